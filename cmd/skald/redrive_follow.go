package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tally is what --json prints.
type tally struct {
	Requested   int      `json:"requested"`
	Redelivered int      `json:"redelivered"` // the service has taken it back
	Completed   int      `json:"completed"`   // its saga has come to its end
	Other       int      `json:"other"`       // it failed again, or its saga ended in another way
	Refused     int      `json:"refused"`
	Unanswered  int      `json:"unanswered"` // the service doesn't run: it is redriven as soon as it does
	Refusals    []string `json:"refusals,omitempty"`

	runs map[string]causeRun
}

// take adds up how far the causes are.
func (t *tally) take(key string, state causeRun) {
	if t.runs == nil {
		t.runs = map[string]causeRun{}
	}
	t.runs[key] = state
	*t = tally{runs: t.runs}
	for _, key := range slices.Sorted(maps.Keys(t.runs)) {
		c := t.runs[key]
		t.Requested += c.Requested
		t.Redelivered += c.Accepted
		t.Completed += c.Completed
		t.Other += c.Again + c.Other
		t.Refused += c.Refused
		t.Unanswered += c.Unanswered
		t.Refusals = append(t.Refusals, c.Refusals...)
	}
}

// halted says which causes' letters weren't all asked for, and why.
func (t *tally) halted() error {
	var all []error
	for _, key := range slices.Sorted(maps.Keys(t.runs)) {
		if c := t.runs[key]; (c.Phase == "paused" || c.Phase == "stopped") && c.Requested < c.Letters {
			why := c.Why
			if why == "" {
				why = "somebody has done so"
			}
			all = append(all, fmt.Errorf("%s: %s after %d of %d: %s", key, c.Phase, c.Requested, c.Letters, why))
		}
	}
	return errors.Join(all...)
}

// follow waits until all is done or the time to wait is over. That it isn't done by then is no error.
func (r *redrive) follow(ctx context.Context, done func() (bool, error)) error {
	all, err := r.until(ctx, r.wait, done)
	if err == nil && !all {
		fmt.Fprintf(r.err, "not all have come to their end within %s. It goes on in the console: skald dlq status, skald dlq ls\n", r.wait)
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
		taken, done := "redelivered", "completed"
		if r.verb == "discard" {
			taken, done = "discarded", ""
		}
		parts := []string{fmt.Sprintf("requested %d", t.Requested), fmt.Sprintf("%s %d", taken, t.Redelivered)}
		for _, more := range []struct {
			n    int
			what string
		}{{t.Completed, done}, {t.Other, map[string]string{"discard": "ended", "redrive": "not completed"}[r.verb]}, {t.Refused, "refused"}, {t.Unanswered, "without an answer yet"}} {
			if more.n > 0 || more.what == "completed" && r.wait > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", more.what, more.n))
			}
		}
		if _, err := fmt.Fprintln(r.out, strings.Join(parts, ", ")); err != nil {
			return err
		}
	}
	if t.Refused > 0 {
		return errors.Join(fmt.Errorf("%d were refused: %s", t.Refused, strings.Join(t.Refusals, "; ")), t.halted())
	}
	return t.halted()
}
