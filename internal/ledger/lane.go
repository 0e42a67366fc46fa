package ledger

import (
	"cmp"
	"slices"
	"time"
)

// lane holds the live entries of one saga here, in the order in which they may run. Only its head may.
type lane struct{ entries []*Entry }

// Busy says whether live entries stand in the lane: what comes next has to queue behind them.
func (l *Ledger) Busy(lane string) bool { return l.lanes[lane] != nil }

// Lane gives the live entries of a lane, in order. The slice is the ledger's own: use it before the next change.
func (l *Ledger) Lane(name string) []*Entry {
	if ln := l.lanes[name]; ln != nil {
		return ln.entries
	}
	return nil
}

// Taken says that Ready gave the entry out, or that its handler ran when it was parked.
func (e *Entry) Taken() bool { return e.taken }

func (l *Ledger) insert(e *Entry) {
	e.gone = false
	l.orders = max(l.orders, e.Order)
	ln := l.lanes[e.Lane]
	if ln == nil {
		ln = &lane{}
		l.lanes[e.Lane] = ln
	}
	at, _ := slices.BinarySearchFunc(ln.entries, e.Order, func(x *Entry, order int64) int { return cmp.Compare(x.Order, order) })
	ln.entries = slices.Insert(ln.entries, at, e)
	l.entries[e.ID] = e
	if e.Kind == Work {
		l.work++
	}
	l.stir(e.Lane)
}

func (l *Ledger) remove(e *Entry) {
	e.gone = true
	ln := l.lanes[e.Lane]
	ln.entries = slices.DeleteFunc(ln.entries, func(x *Entry) bool { return x == e })
	if len(ln.entries) == 0 {
		delete(l.lanes, e.Lane)
	} else {
		l.stir(e.Lane)
	}
	delete(l.entries, e.ID)
	if e.Kind == Work {
		l.work--
	}
}

// stir notes that the head of a lane may be ready.
func (l *Ledger) stir(name string) {
	head := l.lanes[name].entries[0]
	if head.Kind != Work || head.taken {
		return
	}
	if head.Due.IsZero() {
		l.ready.push(head)
	} else {
		l.ready.postpone(head)
	}
}

// Waits says whether Ready may have something to give out that needs no more than the free places: work came to the head of a lane, or
// a step has a place again that its work waits for.
func (l *Ledger) Waits(places func(step string) int) bool {
	for _, q := range l.ready.steps {
		if q.len() > 0 && places(q.step) > 0 {
			return true
		}
	}
	return false
}

// Ready gives out entries, no more than most, that may run now: work at the head of its lane, due, and not given out before. places says
// how many more handlers of a step may start; what finds no place is kept for a later call.
func (l *Ledger) Ready(now time.Time, most int, places func(step string) int) []*Entry {
	l.ready.wake(now)
	var out []*Entry
	for _, q := range l.ready.steps {
		for free := places(q.step); free > 0 && q.len() > 0; {
			if len(out) == most {
				return out
			}
			e := q.pop()
			switch {
			case e.gone || e.taken || l.lanes[e.Lane].entries[0] != e:
			case e.Due.After(now):
				l.ready.postpone(e)
			default:
				e.taken = true
				free--
				out = append(out, e)
			}
		}
	}
	return out
}

// GiveBack makes an entry that Ready gave out available again: its handler ended without a result.
func (l *Ledger) GiveBack(e *Entry) {
	if e.gone {
		return
	}
	e.taken = false
	l.stir(e.Lane)
}
