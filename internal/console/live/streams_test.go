package live

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
)

// However many follow, all together get no more updates and events than a few do.
func TestManyFollowersShareWhatAFewGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStreams(300)
		for _, c := range []struct {
			open, share int
			tick        time.Duration
		}{{1, 5000, Tick}, {10, 500, Tick}, {20, 250, Tick}, {40, 250, 2 * Tick}, {256, 250, 1280 * time.Millisecond}} {
			for n := s.open; n < c.open; n++ {
				if _, _, err := s.Enter(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if s.Tick() != c.tick || s.Share() != c.share {
				t.Errorf("%d follow: %v between updates of %d events, want %v and %d", c.open, s.Tick(), s.Share(), c.tick, c.share)
			}
			pace, began := s.Pace(), time.Now()
			for range 11 {
				pace.Wait(t.Context())
			}
			if took := time.Since(began); took != 10*c.tick {
				t.Errorf("%d follow: 10 updates took %v", c.open, took)
			}
		}
		s.Close()
		if _, _, err := s.Enter(t.Context()); err != problem.ErrClosing { //nolint:errorlint // this very one
			t.Error(err)
		}
	})
}
