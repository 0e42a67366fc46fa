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

func TestBookOfAClosedLoopMeasuresBetweenWarmUpAndEnough(t *testing.T) {
	b, opened, shut := bookOf(spec{Sagas: 3})
	b.warm = 2
	now := time.Now()
	for i, id := range []string{"a", "b", "c", "d", "e", "f"} {
		b.begin(id, now, false)
		b.end(id, now.Add(time.Duration(i+1)*time.Second), completed)
		if want := i+1 >= 2; (*opened == 1) != want {
			t.Errorf("after %d sagas: opened %d times", i+1, *opened)
		}
		if want := i+1 >= 5; (*shut == 1) != want {
			t.Errorf("after %d sagas: shut %d times", i+1, *shut)
		}
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 4 * time.Second, 5 * time.Second}, b.took); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}
