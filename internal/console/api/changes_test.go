package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/tracker"
)

// countingTracker counts what it is asked.
type countingTracker struct {
	asked int
	seq   int64
	err   error
}

func (c *countingTracker) ChangedSince(_ context.Context, seq int64, _ string, _ int) ([]tracker.Saga, error) {
	c.asked++
	if seq >= c.seq {
		return nil, c.err
	}
	return []tracker.Saga{{ID: "saga", Seq: c.seq}}, c.err
}

func (c *countingTracker) Changed() (int64, <-chan struct{}) { return c.seq, nil }

// Of many clients at one place one asks; what changes within the tick is not lost on them, but comes with the next.
func TestManyClientsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &countingTracker{seq: 7}
		c := &changes{tracker: source}
		for range 100 {
			a, err := c.since(t.Context(), place{since: 3})
			if err != nil || len(a.sagas) != 1 || a.upTo != 7 {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		if _, err := c.since(t.Context(), place{since: 3, workflow: "onboarding"}); err != nil || source.asked != 2 {
			t.Errorf("asked %d times, want once for each place (%v)", source.asked, err)
		}
		source.seq = 9
		if a, _ := c.since(t.Context(), place{since: 3}); a.upTo != 7 {
			t.Errorf("within the tick up to %d", a.upTo)
		}
		time.Sleep(live.Tick)
		if a, _ := c.since(t.Context(), place{since: 3}); a.upTo != 9 || a.sagas[0].seq != 9 {
			t.Errorf("a tick later up to %d", a.upTo)
		}
		source.err = errors.New("disk full")
		time.Sleep(live.Tick)
		if _, err := c.since(t.Context(), place{since: 3}); err == nil {
			t.Error("an error is kept from clients")
		}
	})
}
