package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// watchFor is how long a redrive is followed, unless --wait says otherwise.
const watchFor = 30 * time.Second

func newDlqRedrive(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redrive LETTER... | --cause CAUSE | --all",
		Short: "Give dead letters back to the services that gave up on them",
		Long: `Gives dead letters back: single ones, all of one cause that are halted, or all that are halted. Mend the cause first. Each is tried anew by its
step's policy, and under the same idempotency key, so that what was done before isn't done twice. A letter is redriven once: a second
redrive is refused, and one whose event fails again has a newer letter in its place.

It then follows what becomes of them, for --wait: requested, redelivered (given back), completed. With --limit N only the N oldest of a cause go, as a
canary.

Exit code 0: all were given back; 1: one was refused, or the console or the broker can't be reached; 2: a letter or cause that isn't there.`,
		Example: `  skald dlq redrive 0/17
  skald dlq redrive --cause 3fa9c01b77de --limit 1 --reason "the mail server is back"`,
		RunE: func(cmd *cobra.Command, places []string) error {
			cause, all := c.settings.String("cause"), c.settings.Bool("all")
			given := 0
			for _, way := range []bool{len(places) > 0, cause != "", all} {
				if way {
					given++
				}
			}
			if given != 1 {
				return usage("say what to redrive in one of three ways: letters like 0/17, --cause CAUSE, or --all (skald dlq ls prints both)")
			}
			if n := c.settings.Int("limit"); n < 0 || n > 0 && len(places) > 0 {
				return usage("--limit %d: a positive number, with --cause or --all", n)
			}
			r := &redrive{terminal: c, reason: c.settings.String("reason"), wait: c.settings.Duration("wait")}
			switch {
			case len(places) > 0:
				return r.letters(cmd.Context(), places)
			case all:
				return r.everything(cmd.Context())
			}
			return r.causes(cmd.Context(), []string{cause})
		},
	}
	actionFlags(cmd, "why, for those who look at the sagas later")
	flags := cmd.Flags()
	flags.String("cause", "", "all letters of this cause that are halted")
	flags.Bool("all", false, "all letters that are halted")
	flags.Int("limit", 0, "only so many of each cause, the oldest first (0: all)")
	flags.Duration("wait", watchFor, "how long to follow what becomes of them; 0 for not at all")
	return cmd
}

func newDlqDiscard(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard LETTER...",
		Short: "Give dead letters up: undo what their sagas have done",
		Long: `Gives dead letters up for good: what the saga of each has done is undone, the latest first, and it ends as abandoned. A letter that was redriven or
discarded before is refused.`,
		Example: `  skald dlq discard 0/17 --reason "ordered twice"`,
		Args:    someLetters,
		RunE: func(cmd *cobra.Command, places []string) error {
			reason, err := c.mustSayWhy("dlq discard")
			if err != nil {
				return err
			}
			_, err = c.askLetters(cmd.Context(), places, action{Reason: reason}, "discard")
			return err
		},
	}
	actionFlags(cmd, "why (required)")
	return cmd
}

func someLetters(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("give dead letters by partition and offset, like 0/17: skald dlq ls --cause CAUSE prints them")
	}
	return nil
}

func (c *terminal) askLetters(ctx context.Context, places []string, a action, verb string) (done []string, err error) {
	paths := map[string]string{}
	for _, place := range places {
		path, err := letterPath(place)
		if err != nil {
			return nil, err
		}
		paths[place] = path + "/" + verb
	}
	return c.askAll(ctx, places, a, func(place string) string { return paths[place] })
}

// redrive gives letters back and follows them.
type redrive struct {
	*terminal

	reason string
	wait   time.Duration
	tally  tally
}

// tally is what --json prints.
type tally struct {
	Requested   int      `json:"requested"`
	Redelivered int      `json:"redelivered"` // the service has taken it back
	Completed   int      `json:"completed"`   // its saga has come to its end
	Other       int      `json:"other"`       // it failed again, or its saga ended in another way
	Refused     int      `json:"refused"`
	Unanswered  int      `json:"unanswered"` // the service doesn't run: it is redriven as soon as it does
	Refusals    []string `json:"refusals,omitempty"`
}

// letters redrives single letters.
func (r *redrive) letters(ctx context.Context, places []string) error {
	left, asked := r.askLetters(ctx, places, action{Reason: r.reason}, "redrive")
	if ctx.Err() != nil || r.wait <= 0 || len(left) == 0 {
		return asked
	}
	err := r.follow(ctx, func() (bool, error) {
		for _, place := range slices.Clone(left) {
			path, _ := letterPath(place) // askLetters has looked
			var l letter
			if err := r.get(ctx, path, nil, &l); err != nil {
				return false, err
			}
			if l.Status != "halted" && l.Status != "redriven" {
				if err := r.printAnswer(place, answer{State: l.Status}, false); err != nil {
					return false, err
				}
				left = slices.DeleteFunc(left, func(other string) bool { return other == place })
			}
		}
		return len(left) == 0, nil
	})
	return errors.Join(asked, err)
}

// everything redrives all causes that have halted letters, as far as the console lists them at once.
func (r *redrive) everything(ctx context.Context) error {
	page, err := r.list(ctx)
	if err != nil {
		return err
	}
	var keys []string
	for _, g := range page.Causes {
		if g.Halted > 0 {
			keys = append(keys, g.Cause)
		}
	}
	switch {
	case len(keys) == 0 && !r.json():
		fmt.Fprintln(r.err, "no dead letter is halted: there is nothing to redrive")
		return nil
	case len(keys) == len(page.Causes) && page.Total > len(keys):
		fmt.Fprintf(r.err, "there are more than %d causes: redrive the others when these are done\n", len(keys))
	}
	return r.causes(ctx, keys)
}

// causeList is the causes, the most urgent first, and how many there are in all.
type causeList struct {
	Causes []cause `json:"causes"`
	Total  int     `json:"total"`
}

func (r *redrive) list(ctx context.Context) (l causeList, err error) {
	err = r.get(ctx, "/api/v1/causes", nil, &l)
	return l, err
}

// causes redrives all letters of causes.
func (r *redrive) causes(ctx context.Context, keys []string) error {
	before, err := r.counts(ctx, keys)
	if err != nil {
		return err
	}
	var asked error
	for _, key := range keys {
		if asked = r.cause(ctx, key); asked != nil {
			break
		}
	}
	if ctx.Err() != nil || asked != nil && r.tally.Requested == 0 {
		return asked
	}
	if given := r.tally.Redelivered + r.tally.Unanswered; r.wait > 0 && given > 0 {
		err = r.follow(ctx, func() (bool, error) {
			now, err := r.counts(ctx, keys)
			r.tally.Completed, r.tally.Other = max(0, now.Completed-before.Completed), max(0, now.Other-before.Other)
			return r.tally.Completed+r.tally.Other >= given, err
		})
	}
	return errors.Join(asked, err, r.printTally())
}

// cause redrives all letters of a cause, or as many as --limit says. The API takes no more than mostAtOnce for one request.
func (r *redrive) cause(ctx context.Context, key string) error {
	const mostAtOnce = 1000
	limit := r.settings.Int("limit")
	for left := limit; ; {
		var got struct {
			Requested  int      `json:"requested"`
			Accepted   int      `json:"accepted"`
			Refused    int      `json:"refused"`
			Unanswered int      `json:"unanswered"`
			Left       int      `json:"left"`
			Refusals   []string `json:"refusals"`
		}
		a := action{Reason: r.reason, By: whoami(), Limit: min(left, mostAtOnce)}
		if err := r.post(ctx, bulkTimeout, "/api/v1/causes/"+url.PathEscape(key)+"/redrive", a, &got); err != nil {
			return err
		}
		t := &r.tally
		t.Requested += got.Requested
		t.Redelivered += got.Accepted
		t.Refused += got.Refused
		t.Unanswered += got.Unanswered
		t.Refusals = append(t.Refusals, got.Refusals...)
		left -= got.Requested
		if got.Left == 0 || got.Requested == 0 || limit > 0 && left <= 0 {
			return nil
		}
		if got.Unanswered > 0 {
			return fmt.Errorf("%d more letters were not asked for, as their service doesn't answer", got.Left)
		}
		// The console must have heard of these, or it would ask for them again.
		heard, err := r.until(ctx, watchFor, func() (bool, error) {
			page, err := r.list(ctx)
			return !slices.ContainsFunc(page.Causes, func(g cause) bool { return g.Cause == key && g.Halted > got.Left }), err
		})
		if err != nil {
			return err
		}
		if !heard {
			return fmt.Errorf("%d more letters were not asked for, as the console is behind: redrive the cause again", got.Left)
		}
	}
}

// counts sums up what has become of the letters of causes.
func (r *redrive) counts(ctx context.Context, keys []string) (sum cause, err error) {
	page, err := r.list(ctx)
	for _, g := range page.Causes {
		if slices.Contains(keys, g.Cause) {
			sum.Completed += g.Completed
			sum.Other += g.Other
		}
	}
	return sum, err
}

// follow waits until all is done or the time to wait is over. That it isn't done by then is no error.
func (r *redrive) follow(ctx context.Context, done func() (bool, error)) error {
	all, err := r.until(ctx, r.wait, done)
	if err == nil && !all {
		fmt.Fprintf(r.err, "not all have come to their end within %s: skald dlq ls shows what becomes of them\n", r.wait)
	}
	return err
}

// until looks again and again, for so long at most, and is true when it is done.
func (r *redrive) until(ctx context.Context, wait time.Duration, done func() (bool, error)) (bool, error) {
	const first, most = 50 * time.Millisecond, time.Second
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for next := first; ; next = min(most, 2*next) {
		select {
		case <-pause.C:
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if all, err := done(); all || err != nil {
			return all, err
		}
		pause.Reset(next)
	}
}

func (r *redrive) printTally() error {
	t := r.tally
	if r.json() {
		if err := json.NewEncoder(r.out).Encode(t); err != nil {
			return err
		}
	} else {
		parts := []string{fmt.Sprintf("requested %d", t.Requested), fmt.Sprintf("redelivered %d", t.Redelivered)}
		for _, more := range []struct {
			n    int
			what string
		}{{t.Completed, "completed"}, {t.Other, "not completed"}, {t.Refused, "refused"}, {t.Unanswered, "without an answer yet"}} {
			if more.n > 0 || more.what == "completed" && r.wait > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", more.what, more.n))
			}
		}
		if _, err := fmt.Fprintln(r.out, strings.Join(parts, ", ")); err != nil {
			return err
		}
	}
	if t.Refused > 0 {
		return fmt.Errorf("%d were refused: %s", t.Refused, strings.Join(t.Refusals, "; "))
	}
	return nil
}
