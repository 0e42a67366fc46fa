package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func bookOf(s spec) (b *book, opened, shut *int) {
	b = newBook(s)
	opened, shut = new(int), new(int)
	b.onOpen, b.onShut = func() { *opened++ }, func() { *shut++ }
	return b, opened, shut
}

func TestBookFindsWhatWentWrong(t *testing.T) {
	b, _, _ := bookOf(spec{Rate: 1})
	now := time.Now()
	for _, id := range []string{"good", "lost", "doubled", "trebled", "failed"} {
		b.begin(id, now, true)
	}
	for _, id := range []string{"good", "doubled", "doubled", "trebled", "trebled", "trebled", "stray"} {
		b.end(id, now.Add(time.Second), completed)
	}
	b.end("failed", now.Add(time.Second), "rejected")
	want := &result{Started: 5, Lost: 1, Doubled: 2, Failed: 1, Strays: 1, Measured: 4, P50: time.Second, P99: time.Second}
	if diff := cmp.Diff(want, b.result()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestBookTakesAnOutcomeBeforeItsStart(t *testing.T) {
	b, _, _ := bookOf(spec{Rate: 1})
	began := time.Now()
	b.end("early", began.Add(time.Second), completed)
	e := b.begin("early", began, true)
	if !isClosed(e.done) {
		t.Error("nobody is told that the saga has ended")
	}
	if r := b.result(); r.Lost != 0 || r.Strays != 0 || r.P50 != time.Second {
		t.Errorf("result %+v", r)
	}
}

func TestBookOfAClosedLoopMeasuresWholeBursts(t *testing.T) {
	b, opened, shut := bookOf(spec{Sagas: 3})
	b.warm = 2
	began := time.Now()
	for i, burst := range [][]string{{"a"}, {"b", "c"}, {"d", "e"}, {"f", "g"}, {"h"}} {
		at := began.Add(time.Duration(i) * time.Second)
		for _, id := range burst {
			b.begin(id, began, false)
			b.end(id, at, completed)
		}
		b.burst(at)
		if want := i >= 1; (*opened == 1) != want {
			t.Errorf("after burst %d: opened %d times", i, *opened)
		}
		if want := i >= 3; (*shut == 1) != want {
			t.Errorf("after burst %d: shut %d times", i, *shut)
		}
	}
	if diff := cmp.Diff([]time.Duration{2 * time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second}, b.took); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
	if r := b.result(); r.Window != 2*time.Second {
		t.Errorf("window %s, want the time between the ends of two bursts, 2s", r.Window)
	}
}
