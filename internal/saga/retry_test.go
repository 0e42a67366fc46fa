package saga

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Full jitter: anything from 0 to the bound, which grows with each attempt up to Max and never overflows.
func TestDelay(t *testing.T) {
	p := Policy{Attempts: 8, First: time.Second, Factor: 2, Max: 30 * time.Second}
	for attempts, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		if got := p.delay(attempts, 1); got != most {
			t.Errorf("after %d attempts at most %v, want %v", attempts, got, most)
		}
		if got := p.delay(attempts, 0.5); got != most/2 {
			t.Errorf("after %d attempts %v in the middle, want %v", attempts, got, most/2)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			First:  time.Duration(rapid.Int64Range(0, int64(30*24*time.Hour)).Draw(t, "first")),
			Factor: rapid.Float64Range(0, 100).Draw(t, "factor"),
		}
		p.Max = p.First + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "more"))
		d := p.delay(rapid.IntRange(1, 1000).Draw(t, "attempts"), rapid.Float64Range(0, 0.999).Draw(t, "chance"))
		if d < 0 || d > p.Max {
			t.Fatalf("%v, the longest is %v", d, p.Max)
		}
	})
}

func TestUndoIsTriedLonger(t *testing.T) {
	for _, p := range []Policy{{}, {Attempts: 1}, {Attempts: 8, Max: time.Minute}} {
		u := p.forUndo()
		if u.Attempts <= p.Attempts || u.Attempts < undoAttempts || u.Max < p.Max {
			t.Errorf("%+v for %+v", u, p)
		}
	}
}

func TestQuestionsComeLessOften(t *testing.T) {
	now := time.Now()
	last := now
	for asked := 1; asked < 100; asked++ {
		next := later(now, asked)
		if next.Before(last) || next.Sub(now) > time.Minute {
			t.Fatalf("question %d comes after %v, the one before after %v", asked+1, next.Sub(now), last.Sub(now))
		}
		last = next
	}
}
