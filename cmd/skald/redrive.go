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

	verb    string // of causes: redrive or discard
	reason  string
	payload []byte // instead of the event's own, of a single letter
	wait    time.Duration
	tally   tally
}

// letters redrives single letters.
func (r *redrive) letters(ctx context.Context, places []string) error {
	left, asked := r.askLetters(ctx, places, action{Reason: r.reason, Payload: r.payload}, "redrive")
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

// causes redrives, or discards, all letters of causes.
func (r *redrive) causes(ctx context.Context, keys []string) error {
	var began []string
	var asked error
	for _, key := range keys {
		var state causeRun
		a := action{
			Reason: r.reason, By: whoami(), Limit: r.settings.Int("limit"), Rate: r.settings.Int("rate"), Canary: r.verb == "redrive" && r.settings.Bool("canary"),
		}
		if asked = r.post(ctx, apiTimeout, causePath(key)+"/"+r.verb, a, &state); asked != nil {
			break
		}
		began = append(began, key)
		r.tally.take(key, state)
	}
	if ctx.Err() != nil || asked != nil && len(began) == 0 {
		return asked
	}
	var followed error
	if r.wait > 0 && len(began) > 0 {
		followed = r.follow(ctx, func() (bool, error) {
			over := true
			for _, key := range began {
				var state causeRun
				if err := r.get(ctx, causePath(key)+"/redrive", nil, &state); err != nil {
					return false, err
				}
				r.tally.take(key, state)
				over = over && state.over()
			}
			return over, nil
		})
	}
	return errors.Join(asked, followed, r.printTally())
}

func causePath(key string) string { return "/api/v1/causes/" + url.PathEscape(key) }

// causeRun is how far the redrive or discard of a cause is, as the API tells it.
type causeRun struct {
	Cause      string   `json:"cause"`
	Kind       string   `json:"kind"`
	Phase      string   `json:"phase"`
	Why        string   `json:"why"`
	By         string   `json:"by"`
	Rate       int      `json:"rate"`
	Letters    int      `json:"letters"`
	Requested  int      `json:"requested"`
	Accepted   int      `json:"accepted"`
	Refused    int      `json:"refused"`
	Unanswered int      `json:"unanswered"`
	Completed  int      `json:"completed"`
	Again      int      `json:"halted_again"`
	Other      int      `json:"other"`
	Refusals   []string `json:"refusals"`
}

// over says whether there is nothing to wait for: all is known, or a person is needed.
func (c *causeRun) over() bool {
	switch c.Phase {
	case "done", "paused":
		return true
	case "stopped":
		return c.Completed+c.Again+c.Other >= c.Accepted
	}
	return false
}
