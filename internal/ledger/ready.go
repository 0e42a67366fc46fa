package ledger

import (
	"container/heap"
	"time"
)

// readyWork holds the heads of lanes that may be ready, in the order in which they came to be so, by step: a step whose
// places are taken is passed over as a whole, however much waits for it. What isn't due waits in a heap. An entry may be in
// here and not be ready any more; Ready looks at each that it takes out.
type readyWork struct {
	steps []*fifo // a service has few
	later dueHeap
}

func (r *readyWork) push(e *Entry) {
	for _, q := range r.steps {
		if q.step == e.Step {
			q.push(e)
			return
		}
	}
	q := &fifo{step: e.Step}
	q.push(e)
	r.steps = append(r.steps, q)
}

func (r *readyWork) postpone(e *Entry) { heap.Push(&r.later, e) }

// wake brings back what has become due.
func (r *readyWork) wake(now time.Time) {
	for len(r.later) > 0 && !r.later[0].Due.After(now) {
		r.push(heap.Pop(&r.later).(*Entry))
	}
}

// fifo is a queue that moves its rest to the front when half of it is spent.
type fifo struct {
	step    string
	entries []*Entry
	front   int
}

func (q *fifo) len() int { return len(q.entries) - q.front }

func (q *fifo) push(e *Entry) { q.entries = append(q.entries, e) }

func (q *fifo) pop() *Entry {
	e := q.entries[q.front]
	q.entries[q.front] = nil
	q.front++
	if q.front > 64 && q.front > len(q.entries)/2 {
		n := copy(q.entries, q.entries[q.front:])
		clear(q.entries[n:])
		q.entries, q.front = q.entries[:n], 0
	}
	return e
}

// dueHeap has the entry that is due first at its top.
type dueHeap []*Entry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].Due.Before(h[j].Due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*Entry)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
