package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/words"
)

// orderTimeout bounds one request, which the API takes half a minute for at most.
const orderTimeout = time.Minute

// order is what is asked of many sagas, as the API takes it.
type order struct {
	Action   string         `json:"action"`
	Filter   map[string]any `json:"filter"`
	Position int64          `json:"position,omitempty"`
	Cursor   string         `json:"cursor,omitempty"`
	DryRun   bool           `json:"dry_run,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	By       string         `json:"by,omitempty"`
}

// cancelAll cancels what a filter selects.
func (c *terminal) cancelAll(ctx context.Context, given map[string]string) error {
	if _, err := c.mustSayWhy("cancel --all"); err != nil {
		return err
	}
	return c.orderAll(ctx, "cancel", given)
}

// orderAll counts what a filter selects, asks, and cancels or redrives it, as many at a time as the API takes.
func (c *terminal) orderAll(ctx context.Context, action string, given map[string]string) error {
	o := order{Action: action, Filter: map[string]any{}, DryRun: true}
	for name, value := range given {
		o.Filter[name] = value
		if value == "true" && (name == "overdue" || name == "stuck") {
			o.Filter[name] = true
		}
	}
	found, err := c.order(ctx, o)
	if err != nil {
		return err
	}
	if yes, err := c.agreed(action, found); !yes || err != nil {
		return err
	}
	o.DryRun, o.Reason, o.By, o.Position = false, c.settings.String("reason"), whoami(), found.Position
	sum := api.Bulk{Refusals: []string{}}
	for {
		got, err := c.order(ctx, o)
		if err != nil {
			return err
		}
		sum.Requested += got.Requested
		sum.Accepted += got.Accepted
		sum.Refused += got.Refused
		sum.Unanswered += got.Unanswered
		sum.Refusals = append(sum.Refusals, got.Refusals...)
		if o.Cursor = got.Next; o.Cursor == "" || got.Unanswered > 0 {
			break
		}
	}
	return c.printOrdered(action, sum, o.Cursor != "")
}

func (c *terminal) order(ctx context.Context, o order) (got api.Bulk, err error) {
	err = c.post(ctx, orderTimeout, "/api/v1/sagas/bulk", o, &got)
	return got, err
}

// agreed says what will be done, and asks whether it is to be.
func (c *terminal) agreed(action string, found api.Bulk) (bool, error) {
	more := ""
	if found.AtLeast {
		more = " or more"
	}
	matching := words.Plural(found.Selected, "saga") + more
	w := orderWords[action]
	if found.Wanted == 0 {
		fmt.Fprintf(c.err, "there is nothing to %s: of the %s that match, %s\n", action, matching, w.none)
		return false, nil
	}
	fmt.Fprintf(c.err, "%s match; %s are left out, as %s\n", matching, words.Thousands(found.LeftOut), w.leftOut)
	if c.settings.Bool("yes") {
		return true, nil
	}
	fmt.Fprintf(c.err, w.question, words.Plural(found.Wanted, "saga"), more)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	if err != nil && answer == "" {
		fmt.Fprintln(c.err)
		return false, usage("nothing was %s: nobody answered. Give --yes where nobody can", w.done)
	}
	if answer != "y" && answer != "yes" {
		fmt.Fprintln(c.err, "nothing was "+w.done)
		return false, nil
	}
	return true, nil
}

// orderWords are what is said of each action.
var orderWords = map[string]struct{ question, done, none, leftOut string }{
	"cancel": {"Cancel %s%s, and undo what they have done? [y/N] ", "cancelled", "all have ended or their end is decided", "they have ended or their end is decided"},
	"redrive": {"Redrive the dead letters that halt %s%s? [y/N] ", "redriven", "no dead letter halts any, or their end is decided",
		"no dead letter halts them or their end is decided"},
}

func (c *terminal) printOrdered(action string, sum api.Bulk, more bool) error {
	if c.json() {
		if err := json.NewEncoder(c.out).Encode(map[string]any{
			"requested": sum.Requested, "accepted": sum.Accepted, "refused": sum.Refused, "unanswered": sum.Unanswered, "refusals": sum.Refusals,
		}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.out, "%s asked for: %s accepted, %s refused, %s not answered yet\n", words.Plural(sum.Requested, "saga"),
			words.Thousands(sum.Accepted), words.Thousands(sum.Refused), words.Thousands(sum.Unanswered))
	}
	for _, why := range sum.Refusals {
		fmt.Fprintln(c.err, "refused: "+printable(why))
	}
	switch {
	case more:
		return fmt.Errorf("the rest was not asked for, as a service doesn't answer: %s them again when it runs", action)
	case sum.Refused > 0:
		return fmt.Errorf("%d of %d were refused", sum.Refused, sum.Requested)
	}
	return nil
}
