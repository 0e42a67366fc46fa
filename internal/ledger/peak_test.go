package ledger

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// A peak of open sagas and of waiting work leaves nothing behind but the window of what ended: maps and slices don't shrink by
// themselves.
func TestMemoryGoesBackAfterAPeak(t *testing.T) {
	l := New(time.Minute, 8)
	var end int64
	commit := func() {
		offsets := make([]int64, len(l.Changes()))
		for i := range offsets {
			offsets[i] = end
			end++
		}
		l.Commit(offsets)
	}
	rise := func(n int) {
		for i := range n {
			l.Open(sagaID(i), "w", t0, t0.Add(time.Hour))
			l.Park(Entry{ID: fmt.Sprint(i), Lane: fmt.Sprint(i), Saga: sagaID(i), Step: "in", Due: t0.Add(time.Duration(i%2) * time.Minute)}, false)
			if i%1000 == 999 {
				commit()
			}
		}
		commit()
	}
	fall := func(n int) {
		for i := range n {
			l.Close(sagaID(i), t0)
			l.Finish(l.Entry(fmt.Sprint(i)))
			if i%1000 == 999 {
				l.Ready(t0.Add(time.Minute), n, func(string) int { return n })
				commit()
			}
		}
		commit()
	}
	turn := func() { // what a service has under way that isn't at its peak
		for range 8 {
			rise(1000)
			fall(1000)
		}
	}
	turn()
	before := heapBytes()
	const peak = shrinkMost * 5 / 4
	rise(peak)
	high := heapBytes()
	fall(peak)
	turn()
	after := heapBytes()
	t.Logf("before %d KiB, at the peak %d KiB, after it %d KiB", before>>10, high>>10, after>>10)
	if kept := after - before; kept > (high-before)/20 {
		t.Errorf("%d KiB of the peak's %d KiB are kept", kept>>10, (high-before)>>10)
	}
	runtime.KeepAlive(l)
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
