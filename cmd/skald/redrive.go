package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// redrive gives letters back and follows them.
type redrive struct {
	*terminal

	reason string
	wait   time.Duration
	tally  tally
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
