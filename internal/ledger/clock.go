package ledger

import (
	"container/heap"
	"time"
)

// Turn says how an open saga is to end, once its token has been found, although it hasn't failed: it was cancelled, or its deadline
// has passed.
type Turn struct{ Outcome, Reason string }

type turn struct {
	Turn
	asked int       // how often whoever has the token was asked for it
	next  time.Time // when to ask again
}

// clock knows what is to happen to open sagas, and when: deadlines, and questions for the tokens of those that are to be turned round.
// An item may be in here and not hold any more; it is looked at when its time has come.
type clock struct{ deadlines, questions sagaHeap }

type sagaAt struct {
	at   int64 // Unix nanoseconds
	saga SagaID
}

func (c *clock) add(saga SagaID, o open) {
	if o.due != 0 && !o.told {
		heap.Push(&c.deadlines, sagaAt{o.due, saga})
	}
}

func (c *clock) remind(saga SagaID, at time.Time) {
	heap.Push(&c.questions, sagaAt{at.UnixNano(), saga})
}

// sweep forgets what belongs to closed sagas when that is most of it: a deadline is a day away when its saga ends after a second.
func (c *clock) sweep(l *Ledger) {
	if len(c.deadlines) < 1024 || len(c.deadlines) < 2*len(l.opens) {
		return
	}
	kept := c.deadlines[:0]
	for _, d := range c.deadlines {
		if l.isDue(d) {
			kept = append(kept, d)
		}
	}
	c.deadlines = kept
	heap.Init(&c.deadlines)
}

func (l *Ledger) isDue(d sagaAt) bool {
	o, ok := l.opens[d.saga]
	return ok && !o.told && o.due == d.at
}

func (l *Ledger) isQuestion(q sagaAt) bool {
	t := l.turns[q.saga]
	return t != nil && t.next.UnixNano() == q.at
}

// TurnRound notes how an open saga is to end. Its token is to be asked for from next on.
func (l *Ledger) TurnRound(saga SagaID, t Turn, next time.Time) {
	o := l.opens[saga]
	before := l.turns[saga]
	l.turns[saga] = &turn{Turn: t, next: next}
	l.clock.remind(saga, next)
	l.putOpen(saga, o, func() {
		if before == nil {
			delete(l.turns, saga)
		} else {
			l.turns[saga] = before
		}
	})
}

// TurnOf says how an open saga is to end, if that is decided.
func (l *Ledger) TurnOf(saga SagaID) (Turn, bool) {
	if t := l.turns[saga]; t != nil {
		return t.Turn, true
	}
	return Turn{}, false
}

// putOpen writes an open saga again.
func (l *Ledger) putOpen(saga SagaID, o open, undo func()) {
	before := l.opens[saga]
	o.offset = unwritten
	l.opens[saga] = o
	l.change(l.openChange(saga, o), func() {
		l.opens[saga] = before
		undo()
	})
}

// PassDeadlines notes of the open sagas whose deadlines have passed, no more than most, that this is acted on, and gives them: each saga
// once.
func (l *Ledger) PassDeadlines(now time.Time, most int) []SagaID {
	var due []SagaID
	h := &l.clock.deadlines
	for len(*h) > 0 && (*h)[0].at <= now.UnixNano() && len(due) < most {
		d := heap.Pop(h).(sagaAt)
		if !l.isDue(d) { // it may be in the heap twice, after an abort
			continue
		}
		o := l.opens[d.saga]
		o.told = true
		l.putOpen(d.saga, o, func() { heap.Push(h, d) })
		due = append(due, d.saga)
	}
	return due
}

// Questions gives the open sagas whose tokens are to be asked for now, no more than most, each with how often they were asked for
// before. When says when to ask again.
func (l *Ledger) Questions(now time.Time, most int, when func(asked int) time.Time) []SagaID {
	var due []SagaID
	h := &l.clock.questions
	for len(*h) > 0 && (*h)[0].at <= now.UnixNano() && len(due) < most {
		q := heap.Pop(h).(sagaAt)
		if !l.isQuestion(q) {
			continue
		}
		due = append(due, q.saga)
		t := l.turns[q.saga]
		before := *t
		t.asked++
		t.next = when(t.asked)
		heap.Push(h, sagaAt{t.next.UnixNano(), q.saga})
		l.undo = append(l.undo, func() {
			*t = before
			heap.Push(h, q)
		})
	}
	return due
}

// NextDue is when something is due, at the earliest: work that waits for its time, a deadline, a question. It is zero if nothing is.
func (l *Ledger) NextDue() time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for later := &l.ready.later; len(*later) > 0; heap.Pop(later) {
		if e := (*later)[0]; !e.gone && !e.taken && l.lanes[e.Lane].entries[0] == e {
			consider(e.Due)
			break
		}
	}
	for h := &l.clock.deadlines; len(*h) > 0; heap.Pop(h) {
		if l.isDue((*h)[0]) {
			consider(time.Unix(0, (*h)[0].at))
			break
		}
	}
	for h := &l.clock.questions; len(*h) > 0; heap.Pop(h) {
		if l.isQuestion((*h)[0]) {
			consider(time.Unix(0, (*h)[0].at))
			break
		}
	}
	return next
}

// sagaHeap has what is due first at its top.
type sagaHeap []sagaAt

func (h sagaHeap) Len() int           { return len(h) }
func (h sagaHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h sagaHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sagaHeap) Push(x any)        { *h = append(*h, x.(sagaAt)) }
func (h *sagaHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}
