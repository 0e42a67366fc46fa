package tracker

import (
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

func TestSentences(t *testing.T) {
	tests := map[string]struct {
		scenario func(*scenario)
		want     string
	}{
		"queued":         {func(s *scenario) { s.Stops = 0 }, "Waiting for provisioner to take it: 1.0 s so far."},
		"running":        {func(s *scenario) { s.Stops, s.Parked[1] = 1, true }, "With authorizer: 1.0 s so far."},
		"retrying":       {func(s *scenario) { s.Stops, s.Parked[1], s.Retried[1] = 1, true, true }, "Waiting for authorizer: attempt 2 of 5 in 0.1 s, after SMTP 451."},
		"unavailable":    {func(s *scenario) { s.Stops, s.Parked[2], s.Unavailable[2] = 2, true, true }, "Waiting for notifier, which pauses: connection refused. No attempt is burnt."},
		"halted":         {func(s *scenario) { s.HaltedAt, s.Retried[1] = 1, true }, ""},
		"halted at once": {func(s *scenario) { s.HaltedAt = 1 }, "Halted at authorizer: dead letter after one attempt, no device left. It goes on when it is redriven."},
		"cancelled meanwhile": {func(s *scenario) { s.Stops, s.Parked[1], s.Asked, s.As = 1, true, true, wire.Cancelled },
			"With authorizer: 1.0 s so far. It is to be cancelled (hired twice), as soon as its token is found."},
		"overdue":      {func(s *scenario) { s.Stops, s.Parked[1], s.Overdue = 1, true, true }, "With authorizer: 1.0 s so far. It is 0.00 s past its deadline."},
		"being undone": {func(s *scenario) { s.TurnedAt, s.UndoStops = 2, 1 }, "Being undone (hired twice): authorizer has undone, provisioner is next."},
		"blocked":      {func(s *scenario) { s.TurnedAt, s.BlockedAt = 2, 1 }, "Undo is blocked at provisioner after 10 attempts: no such device. A person must help."},
		"completed":    {func(*scenario) {}, "Completed in 0.08 s."},
		"rejected":     {func(s *scenario) { s.TurnedAt = 2 }, "Rejected after 0.09 s: hired twice; authorizer and provisioner have undone what they did."},
	}
	tests["halted"] = struct {
		scenario func(*scenario)
		want     string
	}{func(s *scenario) { s.HaltedAt, s.Retried[1] = 1, true }, "Halted at authorizer: dead letter after 2 attempts, no device left. It goes on when it is redriven."}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := plain(1)
			test.scenario(&s)
			saga, _ := tellOf(t, s)
			now := epoch.Add(time.Minute)
			if step, ok := saga.Current(); ok {
				now = step.Queued.Add(time.Second)
				if !step.Due.IsZero() {
					now = step.Due.Add(-100 * time.Millisecond)
				}
			}
			if got := saga.Sentence(now); got != test.want {
				t.Errorf("got  %s\nwant %s\n%s", got, test.want, mustJSON(saga))
			}
		})
	}
}
