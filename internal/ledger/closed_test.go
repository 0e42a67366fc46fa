package ledger

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestClosedSagasAreRememberedForTheWindow(t *testing.T) {
	l := New(time.Minute, 2)
	for n := range 3 {
		l.Open(sagaID(n), "w", t0, time.Time{})
		l.Close(sagaID(n), t0.Add(time.Duration(n)*time.Second))
	}
	now := t0.Add(3 * time.Second)
	if l.WasClosed(sagaID(0), now) {
		t.Error("the oldest is remembered beyond the bound of 2")
	}
	if !l.WasClosed(sagaID(1), now) || !l.WasClosed(sagaID(2), now) {
		t.Error("the two youngest are forgotten")
	}
	if l.WasClosed(sagaID(2), t0.Add(time.Hour)) {
		t.Error("remembered beyond the window")
	}
	if got := l.DedupeWindow(now); got != 2*time.Second {
		t.Errorf("effective window %v, want 2s: the bound cut it", got)
	}
}

// Whatever ends and is taken back: what ended within the window that is said is remembered, and nothing that didn't, nor more than the bound.
func TestClosedWindowKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = time.Minute
		most := rapid.IntRange(1, 40).Draw(t, "most")
		c := closedWindow{window: window, most: most}
		ended := map[SagaID]time.Time{}
		now := t0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			saga := sagaID(rapid.IntRange(0, 60).Draw(t, "saga"))
			c.add(saga, now)
			ended[saga] = now
			if rapid.IntRange(0, 9).Draw(t, "abort") == 0 {
				c.remove(saga)
				delete(ended, saga)
			}
			remembered := len(c.latest)
			for _, g := range c.sealed {
				remembered += len(g.sagas)
			}
			if remembered != c.count || c.count > most {
				t.Fatalf("%d are remembered, counted as %d, of %d that may be", remembered, c.count, most)
			}
			for saga, at := range ended {
				age := now.Sub(at)
				if age < c.effective(now) && !c.has(saga, now) {
					t.Fatalf("what ended %v ago is forgotten within the window of %v", age, c.effective(now))
				}
				if age >= window && c.has(saga, now) {
					t.Fatalf("what ended %v ago is remembered", age)
				}
			}
		}
	})
}

// What a window costs that is full: the next saga pushes the oldest generation out. bytes/saga is what lies in memory for each.
func BenchmarkClosedWindow(b *testing.B) {
	const most = 125_000 // of one of four partitions
	c := closedWindow{window: 10 * time.Minute, most: most}
	var id SagaID
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	end := func(n int) {
		binary.BigEndian.PutUint64(id[:], uint64(n/3)) // grows with time, as UUIDv7 do
		binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
		if now := t0.Add(time.Duration(n) * time.Microsecond); !c.has(id, now) {
			c.add(id, now)
		}
	}
	for n := range 2 * most {
		end(n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportAllocs()
	n := 2 * most
	for b.Loop() {
		end(n)
		n++
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(c.count), "bytes/saga")
	runtime.KeepAlive(c)
}
