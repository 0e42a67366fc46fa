package saga

import (
	"fmt"
	"slices"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// turn turns a saga's token round where it is: an item whose handler doesn't run. From here it goes back over the stops of its slip,
// the latest first. The step itself is the first of them, also if its handler has never begun as far as this service knows: a
// member that is frozen may have polled the same event, and do its work when it thaws, unless it finds that undone
// (docs/decisions/0006). It is false when the token can't be turned: then nothing has changed.
func (b *Batch) turn(it *Item, e *Execution, t wire.Turn) bool {
	l := b.d.Ledger(it.Partition)
	route := it.Event.Route
	switch {
	case b.m.Refused[it.Key] != nil:
		return false // the brokers don't take its undo
	case route.IsEmpty() && (it.Step == nil || it.Step.Role != wire.RoleBegin):
		return false // the slip is lost, and with it the way home
	case it.Step == nil:
		return false // nobody knows whether it can be undone
	case it.Entry != nil && it.Entry.Unread:
	case it.Step.Compensable:
		var err error
		if route, err = route.Push(b.m.stop(it, nil)); err != nil {
			return false
		}
	}
	if route.IsEmpty() {
		if l.WasClosed(it.Saga, b.now) && !l.IsOpen(it.Saga) {
			return false // it is a start that was repeated
		}
		b.openSaga(it, l)
		b.leave(it, e, l)
		b.end(it, e, l, wire.Outcome{Outcome: t.Outcome, Reason: t.Reason, Undone: t.Undone})
		return true
	}
	if !b.sendBack(it, e, route, t) {
		return false
	}
	b.openSaga(it, l) // the undo comes back here
	b.leave(it, e, l)
	return true
}

// leave takes a token that is on its way back out of the ledger. What stands behind it in its lane isn't the token, and mustn't run.
func (b *Batch) leave(it *Item, e *Execution, l *ledger.Ledger) {
	if e == nil {
		b.abandon(it)
		b.finishEntry(it, l)
	} else if it.Entry != nil {
		l.Finish(it.Entry)
	}
	b.clear(it.Lane, it.Partition, l)
}

// abandon ends the handler of an item, if one runs in this process since before a rebalance.
func (b *Batch) abandon(it *Item) {
	if e := b.d.Find(it.Key); e != nil && e.concludedIn != b {
		b.d.Abandon(e)
	}
}

func (b *Batch) clear(lane string, partition int32, l *ledger.Ledger) {
	for _, entry := range slices.Clone(l.Lane(lane)) {
		it, _ := entry.Data.(*Item)
		if entry.Taken() || it != nil && it.Undo != nil {
			continue
		}
		if it == nil {
			it = &Item{Event: &wire.Event{SagaID: lane}, Topic: entry.Step, Partition: partition, ID: entry.ID, Accepted: entry.Accepted}
		}
		b.abandon(it)
		b.note(it, "the saga is being undone")
		l.Finish(entry)
	}
}

// sendBack sends the token to the service whose step is at the top of the slip. It is false when there can't be such a service.
func (b *Batch) sendBack(it *Item, e *Execution, route wire.Route, t wire.Turn) bool {
	top, _, _ := route.Pop()
	if wire.CheckName("service", top.Service) != nil {
		return false
	}
	event := b.consequence(it, e, wire.UndoType, undoNumber)
	event.Route, event.ContentType, event.Payload = route, "application/json", t.Encode()
	b.emit(Out{Topic: wire.Namespace("").Inbox(top.Service), Partition: it.Partition, Item: it, Origin: e, Event: event})
	return true
}

// makeWay lets an undo pass what stands in its lane: the undo is the saga's token, so nothing else is. It is false when a handler still
// runs there, or another undo is first.
func (b *Batch) makeWay(it *Item, l *ledger.Ledger) bool {
	b.clear(it.Lane, it.Partition, l)
	return !l.Busy(it.Lane)
}

// undoSettled deals with an undo for which no handler is to run.
func (b *Batch) undoSettled(it *Item, l *ledger.Ledger) bool {
	u := it.Undo
	if err := b.m.Refused[it.Key]; err != nil && u.Problem == "" {
		u.Problem = err.Error()
	}
	if it.Entry != nil && (u.Problem != "" || !it.Step.Compensable) {
		l.GiveBack(it.Entry) // no handler runs: should the transaction abort, it must be given out again
	}
	switch {
	case u.Problem != "":
		b.block(it, u.Problem, 0)
	case u.Rest.IsEmpty() && !l.IsOpen(it.Saga):
		b.note(it, "late: the saga is not open here")
		b.finishEntry(it, l)
	case !it.Step.Compensable: // the way home
		b.passBack(it, nil, false)
	default:
		return false
	}
	return true
}

// concludeUndo decides what becomes of a token whose compensation has returned.
func (b *Batch) concludeUndo(e *Execution) {
	it := e.Item
	if e.Err == nil {
		b.recovered(e.Step)
		b.passBack(it, e, true)
		return
	}
	f := e.failure()
	if f.Class == wire.ClassUnavailable {
		b.await(e, f)
		return
	}
	b.recovered(e.Step)
	if p := it.Step.Retry.forUndo(); canRetry(f.Class) && e.Attempt < p.Attempts {
		b.retry(e, f, p)
		return
	}
	b.block(it, f.Error(), e.Attempt)
}

// passBack sends the token on to the stop below, or, at the initiator, ends the saga.
func (b *Batch) passBack(it *Item, e *Execution, undone bool) {
	l := b.d.Ledger(it.Partition)
	t := it.Undo.Turn
	if undone {
		t.Undone = append(slices.Clip(t.Undone), b.m.Service)
	}
	switch {
	case it.Undo.Rest.IsEmpty():
		if !l.IsOpen(it.Saga) { // it was abandoned meanwhile
			b.note(it, "late: the saga is not open here")
		} else {
			b.end(it, e, l, wire.Outcome{Outcome: t.Outcome, Reason: t.Reason, Undone: t.Undone})
		}
	case !b.sendBack(it, e, it.Undo.Rest, t):
		b.block(it, "the routing slip names a service that can't be", 0)
		return
	}
	if it.Entry != nil {
		l.Finish(it.Entry)
	}
}

// block keeps an undo that can't be done for a person to decide. Nothing is ever skipped.
func (b *Batch) block(it *Item, reason string, attempts int) {
	entry := it.fresh()
	entry.Kind, entry.Error, entry.Attempt = ledger.Blocked, reason, attempts
	b.keep(it, entry)
	b.Blocked = append(b.Blocked, it)
}

// turnHeld turns a saga's token round if it is held in this ledger and no handler has it.
func (b *Batch) turnHeld(l *ledger.Ledger, lane string, t wire.Turn) {
	entries := l.Lane(lane)
	if len(entries) == 0 {
		return
	}
	for _, entry := range entries {
		if it, ok := entry.Data.(*Item); entry.Taken() || !ok || it.Undo != nil {
			return
		}
	}
	it := entries[0].Data.(*Item)
	it.Entry = entries[0]
	b.turn(it, nil, t)
}

// Hang notes that a handler doesn't return although its time is up. Its saga is blocked until it does.
func (b *Batch) Hang(e *Execution) {
	it := e.Item
	l := b.d.Ledger(it.Partition)
	if l == nil || it.Entry == nil || l.Entry(it.ID) != it.Entry {
		return
	}
	e.Hangs = true
	entry := *it.Entry
	entry.Error = fmt.Sprintf("the handler doesn't return although its context ended after %v: let it listen to its context", it.Step.Timeout)
	entry.Hangs = true
	b.moved = append(b.moved, moved{it, it.Entry})
	it.Entry = l.ReplaceRunning(it.Entry, entry)
}
