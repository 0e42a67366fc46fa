package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
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

// cancelAll counts what a filter selects, asks, and cancels it, as many at a time as the API takes.
func (c *terminal) cancelAll(ctx context.Context, given map[string]string) error {
	reason, err := c.mustSayWhy("cancel --all")
	if err != nil {
		return err
	}
	o := order{Action: "cancel", Filter: map[string]any{}, DryRun: true}
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
	if yes, err := c.agreed(found); !yes || err != nil {
		return err
	}
	o.DryRun, o.Reason, o.By, o.Position = false, reason, whoami(), found.Position
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
	return c.printOrdered(sum, o.Cursor != "")
}

func (c *terminal) order(ctx context.Context, o order) (got api.Bulk, err error) {
	err = c.post(ctx, orderTimeout, "/api/v1/sagas/bulk", o, &got)
	return got, err
}

// agreed says what will be done, and asks whether it is to be.
func (c *terminal) agreed(found api.Bulk) (bool, error) {
	more := ""
	if found.AtLeast {
		more = " or more"
	}
	matching := words.Plural(found.Selected, "saga") + more
	if found.Wanted == 0 {
		fmt.Fprintf(c.err, "there is nothing to cancel: of the %s that match, all have ended or their end is decided\n", matching)
		return false, nil
	}
	fmt.Fprintf(c.err, "%s match; %s are left out, as they have ended or their end is decided\n", matching, words.Thousands(found.LeftOut))
	if c.settings.Bool("yes") {
		return true, nil
	}
	fmt.Fprintf(c.err, "Cancel %s%s, and undo what they have done? [y/N] ", words.Plural(found.Wanted, "saga"), more)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	if err != nil && answer == "" {
		fmt.Fprintln(c.err)
		return false, usage("nothing was cancelled: nobody answered. Give --yes where nobody can")
	}
	if answer != "y" && answer != "yes" {
		fmt.Fprintln(c.err, "nothing was cancelled")
		return false, nil
	}
	return true, nil
}

func (c *terminal) printOrdered(sum api.Bulk, more bool) error {
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
		return errors.New("the rest was not asked for, as a service doesn't answer: cancel them again when it runs")
	case sum.Refused > 0:
		return fmt.Errorf("%d of %d were refused", sum.Refused, sum.Requested)
	}
	return nil
}
