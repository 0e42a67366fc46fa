package tracker

import (
	"sync"
	"time"
)

type partition struct {
	topic string
	id    int32
}

// lagMeter compares where the log ends with how far it was read. Safe for concurrent use.
//
// While events come in, the ends that were looked at are passed again and again, never reached for good. So what counts is
// a look that everything has been read up to: the tracker is as far behind as that look is old.
type lagMeter struct {
	mu        sync.Mutex
	next      map[partition]int64 // offset of the next record to read
	data      map[partition]int64 // offset behind the last record that was read and is no mark of a transaction
	ends      map[partition]int64 // at the last look
	pending   map[partition]int64 // ends of the look that is to be caught up with; nil if none
	pendingAt time.Time
	current   time.Time // everything written before this was read
	reached   bool      // that is so by a look, and not just what is told in the beginning
	reachable bool
	since     time.Time
}

func newLagMeter(now time.Time) *lagMeter {
	return &lagMeter{next: map[partition]int64{}, data: map[partition]int64{}, current: now, since: now}
}

// looked notes where partitions ended at a time. all says that these are all partitions there are: while the registry is
// still being read, nobody knows.
func (l *lagMeter) looked(ends map[partition]int64, all bool, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = ends
	if all && l.pending == nil {
		l.pending, l.pendingAt = ends, at
	}
	l.catchUp()
}

// readTo notes offsets of the next records to read. What lies before one of them was read, or is gone.
func (l *lagMeter) readTo(next map[partition]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, offset := range next {
		l.next[p] = max(l.next[p], offset)
	}
	l.catchUp()
}

// readData notes where the data of partitions ends, as far as it was read.
func (l *lagMeter) readData(data map[partition]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, offset := range data {
		l.data[p] = max(l.data[p], offset)
	}
}

// dataEnd is where a partition's data ends. Behind it lies the mark of its last transaction, which no consumer ever commits to have read; what
// lies behind what the tracker has read may be data.
func (l *lagMeter) dataEnd(p partition, end int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if data := l.data[p]; data > 0 && l.next[p] >= end {
		return min(data, end)
	}
	return end
}

// hasRead says whether all is read that lies before the given ends.
func (l *lagMeter) hasRead(ends map[partition]int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, end := range ends {
		if l.next[p] < end {
			return false
		}
	}
	return true
}

func (l *lagMeter) catchUp() {
	if l.pending == nil {
		return
	}
	for p, end := range l.pending {
		if l.next[p] < end {
			return
		}
	}
	l.current, l.pending, l.reached = l.pendingAt, nil, true
}

// reset forgets all partitions: the log is another.
func (l *lagMeter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.data, l.ends, l.pending, l.reached = map[partition]int64{}, map[partition]int64{}, nil, nil, false
}

// caughtUp gives the time before which everything was read. ok is false until the end of the log has been reached once.
func (l *lagMeter) caughtUp() (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.reached
}

func (l *lagMeter) setReachable(yes bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reachable != yes {
		l.reachable, l.since = yes, now
	}
}

func (l *lagMeter) read(now time.Time) Lag {
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := Lag{Age: max(0, now.Sub(l.current)), Reachable: l.reachable, Since: l.since}
	for p, end := range l.ends {
		lag.Records += max(0, end-l.next[p])
	}
	return lag
}
