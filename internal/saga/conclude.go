package saga

import (
	"errors"
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// conclude turns the result of a handler into records to write and changes of the ledger.
func (b *Batch) conclude(e *Execution) {
	it := e.Item
	l := b.d.Ledger(it.Partition)
	if e.Interrupted && (b.m.Stopping || e.Abandoned) {
		b.d.Forget(e)
		if it.Entry != nil {
			l.GiveBack(it.Entry)
		} else {
			b.park(it, e) // the next owner runs it
			if it.Entry != nil {
				l.GiveBack(it.Entry)
			}
		}
		return
	}
	b.Concluded = append(b.Concluded, e)
	e.concludedIn = b
	if it.Undo != nil {
		b.concludeUndo(e)
		return
	}
	before := len(b.Outs)
	if failure := b.success(e); failure != nil {
		clear(b.Outs[before:])
		b.Outs = b.Outs[:before]
		b.fail(e, failure)
		return
	}
	b.recovered(e.Step)
	if it.Entry != nil {
		l.Finish(it.Entry)
	}
	switch it.Step.Role {
	case wire.RoleBegin:
		b.openSaga(it, l)
	case wire.RoleEnd:
		if !l.IsOpen(it.Saga) {
			clear(b.Outs[before:])
			b.Outs = b.Outs[:before]
			b.note(it, "late: the saga is not open here")
			return
		}
		b.end(it, e, l, wire.Outcome{Outcome: wire.Completed})
	}
}

// success puts a handler's outputs into the batch; a failure is the handler's own, or says why they can't be sent.
func (b *Batch) success(e *Execution) *Failure {
	if e.Err != nil {
		return e.failure()
	}
	for n := range e.Outputs {
		out := &e.Outputs[n]
		event, err := b.event(e, out, n+1)
		if err != nil {
			return &Failure{Class: wire.ClassPoison, Err: err}
		}
		b.Outs = append(b.Outs, Out{
			Kind: Emit, Topic: out.Topic, Partition: e.Item.Partition, Item: e.Item, Origin: e, Event: event, OpenLoop: out.OpenLoop,
		})
		if size := b.d.Encode(&b.Outs[len(b.Outs)-1]); size > b.m.MaxEvent {
			return &Failure{Class: wire.ClassTooLarge,
				Err: fmt.Errorf("the event for %q has %d bytes, an event may have %d: send a reference instead of the data", out.Topic, size, b.m.MaxEvent)}
		}
	}
	return nil
}

// event makes the event of a handler's output; number counts the outputs from 1. The step that begins a saga is on the slip even if it
// can't be undone: it is the way home.
func (b *Batch) event(e *Execution, out *Output, number int) (*wire.Event, error) {
	it, in := e.Item, e.Item.Event
	event := b.consequence(it, e, out.Topic, number)
	event.DataSchema, event.ContentType, event.Payload = out.Schema, out.ContentType, out.Payload
	switch {
	case in.SagaID == "" || it.Step.Role == wire.RoleWatch || out.OpenLoop:
		event.SagaID, event.Workflow, event.Route, event.Hop = "", "", wire.Route{}, 0
		event.ParentSaga = in.SagaID
		if in.SagaID == "" {
			event.ParentSaga = in.ParentSaga
		}
	case it.Step.Compensable || it.Step.Role == wire.RoleBegin:
		route, room, err := in.Route.AppendPush(b.slipRoom, b.m.stop(it, out.Payload))
		b.slipRoom = room
		if err != nil {
			return nil, err
		}
		event.Route = route
	}
	return event, nil
}

// consequence is an event that another caused, by the handling of it if e isn't nil; still without payload.
func (b *Batch) consequence(it *Item, e *Execution, typ string, number int) *wire.Event {
	in := it.Event
	cause := in.ID
	if cause == "" {
		cause = it.ID
	}
	id := wire.EventID(it.ID, b.m.Service, it.Topic, number)
	event := b.eventRoom.next()
	*event = wire.Event{
		ID: id, Source: b.m.source, Type: typ, Time: b.now, Subject: in.Subject,
		SagaID: in.SagaID, Workflow: in.Workflow, CausationID: cause, Hop: in.Hop + 1, Route: in.Route,
		PartitionKey: in.PartitionKey, TraceParent: wire.ChildTrace(in.TraceParent, id), Accepted: it.Accepted,
	}
	if e != nil {
		event.Time, event.Started, event.Attempt = e.Finished, e.Started, e.Attempt
	}
	if it.Entry != nil {
		event.LastError = it.Entry.Error
	}
	return event
}

// Numbers of the outputs that aren't a handler's.
const (
	outcomeNumber = 0
	undoNumber    = -1
)

// end writes the outcome of a saga that is open here, and closes it.
func (b *Batch) end(it *Item, e *Execution, l *ledger.Ledger, o wire.Outcome) {
	event := b.consequence(it, e, wire.OutcomeType, outcomeNumber)
	b.outcome(it, e, event, l, o)
}

func (b *Batch) outcome(it *Item, e *Execution, event *wire.Event, l *ledger.Ledger, o wire.Outcome) {
	o.Started, o.Ended = l.OpenedAt(it.Saga), event.Time
	event.Route, event.ContentType, event.Payload = wire.Route{}, "application/json", o.Encode()
	b.emit(Out{Topic: wire.Namespace("").Outcomes(), Partition: it.Partition, Item: it, Origin: e, Event: event, Outcome: o.Outcome})
	l.Close(it.Saga, b.now)
}

func (b *Batch) emit(o Out) {
	o.Kind = Emit
	b.Outs = append(b.Outs, o)
	b.d.Encode(&b.Outs[len(b.Outs)-1])
}

// fail decides what becomes of an event whose handler failed.
func (b *Batch) fail(e *Execution, f *Failure) {
	it := e.Item
	l := b.d.Ledger(it.Partition)
	if f.Class == wire.ClassUnavailable {
		b.await(e, f)
		return
	}
	b.recovered(e.Step)
	if isUndone(f) {
		b.tooLate(e)
		return
	}
	turn, cancelled := l.TurnOf(it.Saga)
	switch {
	case f.Class == wire.ClassRejected && it.inSaga():
		if b.turn(it, e, wire.Turn{Outcome: wire.Rejected, Reason: f.Error()}) {
			return
		}
	case !canRetry(f.Class):
	case cancelled && b.turn(it, e, wire.Turn{Outcome: turn.Outcome, Reason: turn.Reason}):
		return
	case e.Attempt < it.Step.Retry.Attempts:
		b.retry(e, f, it.Step.Retry)
		return
	}
	b.giveUp(it, f, e.Attempt)
}

// isUndone says whether a handler failed because its effect was undone before: skaldsql.ErrUndone says so of itself.
func isUndone(err error) bool {
	undone, ok := errors.AsType[interface {
		error
		Undone() bool
	}](err)
	return ok && undone.Undone()
}

// tooLate deals with a handler that found its effect undone: the saga has been turned round, and nothing waits for it. A saga that is
// begun again under an ID that is spent can't be carried out.
func (b *Batch) tooLate(e *Execution) {
	it := e.Item
	if it.Step.Role == wire.RoleBegin && b.turn(it, e, wire.Turn{Outcome: wire.Rejected, Reason: "a saga of this ID was undone before: " + e.Err.Error()}) {
		return
	}
	b.note(it, "late: "+e.Err.Error())
	if it.Entry != nil {
		b.d.Ledger(it.Partition).Finish(it.Entry)
	}
}

// giveUp makes a dead letter of an event. A saga stands still until a person has decided: it is halted.
func (b *Batch) giveUp(it *Item, f *Failure, attempts int) {
	l := b.d.Ledger(it.Partition)
	redrives := 0
	if it.Entry != nil {
		redrives = it.Entry.Redrives
	}
	id := wire.LetterID(it.ID, b.m.Service, it.Topic, redrives)
	b.letter(it, f, attempts, id, it.inSaga())
	if !it.inSaga() {
		if it.Entry != nil {
			l.Finish(it.Entry)
		}
		return
	}
	b.openSaga(it, l)
	b.halt(it, f, attempts, id, false)
}

func (b *Batch) halt(it *Item, f *Failure, attempts int, letter string, unread bool) {
	entry := it.fresh()
	entry.Kind, entry.Attempt, entry.Error, entry.Letter, entry.Unread = ledger.Halted, attempts, f.Error(), letter, unread
	if f.Class == wire.ClassTooLarge && unread {
		entry.Data = nil // what is too large for an event is too large for the ledger
	}
	b.keep(it, entry)
}

// refuse makes a dead letter of a record that no handler saw.
func (b *Batch) refuse(it *Item, f *Failure) {
	l := b.d.Ledger(it.Partition)
	id := wire.LetterID(it.ID, b.m.Service, it.Topic, 0)
	halts := it.inSaga() && (it.Step != nil || it.Undo != nil) && l.Entry(it.ID) == nil &&
		b.m.Partition(it.Event.SagaID) == it.Partition && b.claim(it)
	b.letter(it, f, 0, id, halts)
	if !halts {
		return
	}
	if it.Undo != nil {
		it.Undo.Problem = f.Error()
	}
	b.halt(it, f, 0, id, true)
}

// keep puts an item into the ledger, in place of the entry that it has, if it has one.
func (b *Batch) keep(it *Item, entry ledger.Entry) {
	l := b.d.Ledger(it.Partition)
	b.openSaga(it, l)
	if entry.Kind == 0 {
		entry.Kind = ledger.Work
	}
	if was := it.Entry; was != nil {
		entry.Redrives = max(entry.Redrives, was.Redrives)
		b.moved = append(b.moved, moved{it, was})
		it.Entry = l.Replace(was, entry)
		return
	}
	if entry.Kind == ledger.Work {
		it.Entry = l.Park(entry, false)
	} else {
		it.Entry = l.Stop(entry.Kind, entry)
	}
	b.parked = append(b.parked, it)
}

func (b *Batch) letter(it *Item, f *Failure, attempts int, id string, halted bool) {
	b.Outs = append(b.Outs, Out{
		Kind: Letter, Partition: it.Partition, Item: it, ID: id, Failure: f, Attempts: attempts, Halted: halted,
	})
}

// note records that an event was ignored, for whoever reads the ledger.
func (b *Batch) note(it *Item, reason string) {
	b.Outs = append(b.Outs, Out{Kind: Note, Partition: it.Partition, Item: it, Note: &wire.LedgerRecord{
		Op: wire.OpNote, ID: it.ID, Saga: it.Event.SagaID, Workflow: it.Event.Workflow, Step: it.Topic,
		Accepted: it.Accepted, Reason: reason,
	}})
}

// failure gives the error of a handler as a Failure.
func (e *Execution) failure() *Failure {
	if f, ok := errors.AsType[*Failure](e.Err); ok {
		return f
	}
	return &Failure{Class: wire.ClassFailed, Err: e.Err}
}

// later is the point in time after so many questions.
func later(now time.Time, asked int) time.Time {
	const first, most = 500 * time.Millisecond, time.Minute
	return now.Add(min(most, first<<min(asked-1, 10)))
}
