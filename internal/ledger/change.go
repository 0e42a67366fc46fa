package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Op says what a change does to the log.
type Op uint8

// Changes put an entry (again) or delete it.
const (
	Put Op = iota + 1
	Delete
)

// Change is one change that the log must take in the transaction.
type Change struct {
	Op    Op
	Entry Entry // as it is now; of a deleted one only Kind, ID, Saga and Step matter

	// These belong to an open saga.
	Workflow string
	Deadline time.Time
	Told     bool // the deadline has passed and was acted on
	Turn     Turn

	entry    *Entry // nil for a saga
	replaced *Entry
}

// Changes lists what was changed since the last Commit or Abort, in order.
func (l *Ledger) Changes() []Change { return l.changes }

// Open notes that a saga begins here, accepted at the given time, with a deadline unless that is zero.
func (l *Ledger) Open(saga SagaID, workflow string, accepted, deadline time.Time) {
	if l.IsOpen(saga) {
		panic(fmt.Sprintf("ledger: saga %x is open already", saga))
	}
	o := open{offset: unwritten, accepted: accepted.UnixNano(), workflow: workflow}
	if !deadline.IsZero() {
		o.due = deadline.UnixNano()
	}
	l.opens[saga] = o
	l.clock.add(saga, o)
	l.change(l.openChange(saga, o), func() { delete(l.opens, saga) })
}

func (l *Ledger) openChange(saga SagaID, o open) Change {
	c := Change{
		Op: Put, Workflow: o.workflow, Told: o.told,
		Entry: Entry{Kind: Open, Saga: saga, Accepted: time.Unix(0, o.accepted).UTC()},
	}
	if o.due != 0 {
		c.Deadline = time.Unix(0, o.due).UTC()
	}
	if t := l.turns[saga]; t != nil {
		c.Turn = t.Turn
	}
	return c
}

// Close notes that an open saga has ended.
func (l *Ledger) Close(saga SagaID, now time.Time) {
	was, ok := l.opens[saga]
	if !ok {
		panic(fmt.Sprintf("ledger: saga %x is closed but isn't open", saga))
	}
	turning := l.turns[saga]
	delete(l.opens, saga)
	delete(l.turns, saga)
	l.closed.add(saga, now)
	l.change(Change{Op: Delete, Entry: Entry{Kind: Open, Saga: saga}}, func() {
		l.opens[saga] = was
		l.clock.add(saga, was)
		if turning != nil {
			l.turns[saga] = turning
			l.clock.remind(saga, turning.next)
		}
		l.closed.remove(saga)
	})
	l.clock.sweep(l)
}

// Park accepts an event as work that is finished later. running says that its handler has begun.
func (l *Ledger) Park(e Entry, running bool) *Entry {
	e.Kind, e.taken = Work, running
	return l.put(&e)
}

// Finish notes that an entry is no longer live: its work is done.
func (l *Ledger) Finish(e *Entry) {
	l.remove(e)
	l.change(Change{Op: Delete, Entry: *e, entry: e}, func() { l.insert(e) })
}

// Stop puts a halted or blocked entry into a lane: later entries of the lane wait behind it.
func (l *Ledger) Stop(kind Kind, e Entry) *Entry {
	e.Kind, e.taken = kind, false
	return l.put(&e)
}

// Replace puts an entry in the place of a live one, with the same ID in the same lane: work that is to be tried again, or that
// halts its lane, or whose lane goes on.
func (l *Ledger) Replace(old *Entry, e Entry) *Entry {
	return l.replace(old, e, false)
}

// ReplaceRunning is Replace for work whose handler goes on running.
func (l *Ledger) ReplaceRunning(old *Entry, e Entry) *Entry { return l.replace(old, e, true) }

func (l *Ledger) replace(old *Entry, e Entry, running bool) *Entry {
	e.ID, e.Lane, e.Saga, e.Order = old.ID, old.Lane, old.Saga, old.Order
	e.offset, e.taken = unwritten, running
	next := &e
	l.remove(old)
	l.insert(next)
	l.change(Change{Op: Put, Entry: e, entry: next, replaced: old}, func() {
		l.remove(next)
		l.insert(old)
	})
	return next
}

// checkpointID is the one entry that isn't anybody's event.
const checkpointID = "checkpoint"

// SetCheckpoint puts the consumed offsets, in place of the ones before.
func (l *Ledger) SetCheckpoint(data any) {
	before := l.entries[checkpointID]
	next := &Entry{Kind: Checkpoint, ID: checkpointID, Data: data, offset: unwritten}
	l.entries[checkpointID] = next
	if before != nil {
		before.gone = true
	}
	l.change(Change{Op: Put, Entry: *next, entry: next}, func() {
		next.gone = true
		if before == nil {
			delete(l.entries, checkpointID)
			return
		}
		before.gone = false
		l.entries[checkpointID] = before
	})
}

// Checkpoint gives the data of the latest SetCheckpoint, or nil.
func (l *Ledger) Checkpoint() any {
	if e := l.entries[checkpointID]; e != nil {
		return e.Data
	}
	return nil
}

func (l *Ledger) put(e *Entry) *Entry {
	if l.entries[e.ID] != nil {
		panic("ledger: entry " + e.ID + " is live already")
	}
	e.offset = unwritten
	if e.Order == 0 {
		e.Order = l.orders + 1
	}
	l.insert(e)
	l.change(Change{Op: Put, Entry: *e, entry: e}, func() { l.remove(e) })
	return e
}

func (l *Ledger) change(c Change, undo func()) {
	l.changes = append(l.changes, c)
	l.undo = append(l.undo, undo)
}

// Abort takes back all changes since the last Commit or Abort. Entries that Ready gave out stay given out: their handlers
// go on, and what they return is noted in a later transaction.
func (l *Ledger) Abort() {
	for _, undo := range slices.Backward(l.undo) {
		undo()
	}
	l.changes, l.undo = l.changes[:0], l.undo[:0]
}

// Commit makes the changes final. offsets holds the offset of each change's record, in the order of Changes.
func (l *Ledger) Commit(offsets []int64) {
	for i, c := range l.changes {
		l.log.advance(offsets[i] + 1)
		switch {
		case c.Op == Put:
			l.written(c, offsets[i])
			if c.replaced != nil {
				c.replaced.Data = nil // see below
			}
		case c.entry != nil && c.entry.gone:
			c.entry.Data = nil // its place in the order of the log is kept until older entries are gone
		}
	}
	n := len(l.changes)
	clear(l.changes)
	clear(l.undo)
	l.changes, l.undo = l.changes[:0], l.undo[:0]
	l.log.drop(l.alive)
	l.shrink(n)
}

func (l *Ledger) written(c Change, offset int64) {
	if c.entry != nil {
		c.entry.offset = offset
		l.log.push(place{offset: offset, entry: c.entry})
		return
	}
	if o, ok := l.opens[c.Entry.Saga]; ok {
		o.offset = offset
		l.opens[c.Entry.Saga] = o
		l.log.push(place{offset: offset, saga: c.Entry.Saga})
	}
}
