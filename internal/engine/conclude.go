package engine

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// conclude turns the result of a handler into records to write and changes of the ledger.
func (b *batch) conclude(e *execution) {
	it := e.item
	l := b.s.ledgerOf(it.partition)
	if e.interrupted(b.s.stopping) {
		b.s.executions.forget(e)
		if it.entry != nil {
			l.GiveBack(it.entry)
		} else {
			b.park(it, nil) // taken, not begun: the next owner runs it
		}
		return
	}
	b.concluded = append(b.concluded, e)
	e.concludedIn = b
	before := len(b.outputs)
	if failure := b.success(e); failure != nil {
		clear(b.outputs[before:])
		b.outputs = b.outputs[:before]
		b.fail(e, failure)
		return
	}
	if it.entry != nil {
		l.Finish(it.entry)
	}
	switch it.step.Role {
	case wire.RoleBegin:
		if !l.IsOpen(it.saga) {
			b.openSaga(it)
		}
	case wire.RoleEnd:
		if !l.IsOpen(it.saga) {
			clear(b.outputs[before:])
			b.outputs = b.outputs[:before]
			b.note(it, "late: the saga is not open here")
			return
		}
		b.outputs = append(b.outputs, output{record: b.outcome(e, l.OpenedAt(it.saga)), origin: e})
		l.Close(it.saga, b.now)
		b.onCommit(b.s.metrics.outcomes.WithLabelValues(it.step.Workflow, wire.Completed).Inc)
	}
}

// success puts a handler's outputs into the batch; a failure is the handler's own, or says why they can't be sent.
func (b *batch) success(e *execution) *Failure {
	if e.err != nil {
		return e.failure()
	}
	for n, out := range e.outputs {
		event, err := b.event(e, out, n+1)
		if err != nil {
			return &Failure{Class: wire.ClassPoison, Err: err}
		}
		r := b.s.eventRecord(out.Topic, event, e.item.partition, out.OpenLoop, e.item.recordKey())
		if size := recordSize(r); size > maxEvent {
			return &Failure{Class: wire.ClassTooLarge,
				Err: fmt.Errorf("the event for %q has %d bytes, an event may have %d: send a reference instead of the data", out.Topic, size, maxEvent)}
		}
		b.outputs = append(b.outputs, output{record: r, origin: e})
	}
	return nil
}

// event makes the event of a handler's output; number counts the outputs from 1.
func (b *batch) event(e *execution, out Output, number int) (*wire.Event, error) {
	it, in := e.item, e.item.event
	event := b.consequence(e, out.Topic, number)
	event.DataSchema, event.ContentType, event.Payload = out.Schema, out.ContentType, out.Payload
	switch {
	case in.SagaID == "" || it.step.Role == wire.RoleWatch || out.OpenLoop:
		event.SagaID, event.Workflow, event.Route, event.Hop = "", "", wire.Route{}, 0
		event.ParentSaga = in.SagaID
		if in.SagaID == "" {
			event.ParentSaga = in.ParentSaga
		}
	case it.step.Compensable && it.step.Role != wire.RoleBegin:
		route, err := in.Route.Push(wire.Stop{
			Service: b.s.service.Name, Topic: it.step.Topic, Key: it.effect(b.s.service.Name),
			In: in.Payload, Out: out.Payload,
		})
		if err != nil {
			return nil, err
		}
		event.Route = route
	}
	return event, nil
}

// consequence is an event that the handling of another caused, still without payload.
func (b *batch) consequence(e *execution, typ string, number int) *wire.Event {
	it, in := e.item, e.item.event
	cause := in.ID
	if cause == "" {
		cause = it.id
	}
	id := wire.EventID(it.id, b.s.service.Name, it.step.Topic, number)
	event := &wire.Event{
		ID: id, Source: b.s.source, Type: typ, Time: e.finished, Subject: in.Subject,
		SagaID: in.SagaID, Workflow: in.Workflow, CausationID: cause, Hop: in.Hop + 1, Route: in.Route,
		PartitionKey: in.PartitionKey, TraceParent: wire.ChildTrace(in.TraceParent, id),
		Accepted: it.accepted, Started: e.started, Attempt: e.attempt,
	}
	if it.entry != nil {
		event.LastError = it.entry.Error
	}
	return event
}

// outcome is the record that ends a saga.
func (b *batch) outcome(e *execution, began time.Time) *kgo.Record {
	it := e.item
	event := b.consequence(e, wire.OutcomeType, 0)
	event.Route, event.ContentType = wire.Route{}, "application/json"
	event.Payload = wire.Outcome{Outcome: wire.Completed, Started: began, Ended: e.finished}.Encode()
	return b.s.eventRecord(wire.Namespace("").Outcomes(), event, it.partition, false, it.recordKey())
}

// fail makes a dead letter of the event. A saga stands still until a person has decided: it is halted.
func (b *batch) fail(e *execution, f *Failure) {
	it := e.item
	l := b.s.ledgerOf(it.partition)
	halts := it.event.SagaID != "" && it.step.Role != wire.RoleWatch
	b.letter(it, f, e.attempt, halts)
	var order int64
	if it.entry != nil {
		order = it.entry.Order
		l.Finish(it.entry)
	}
	if !halts {
		return
	}
	if it.step.Role == wire.RoleBegin && !l.IsOpen(it.saga) {
		b.openSaga(it)
	}
	l.Halt(ledger.Entry{
		ID: it.id, Lane: it.lane, Saga: it.saga, Step: it.step.Topic, Accepted: it.accepted, Order: order,
		Attempt: e.attempt, Error: f.Error(),
	})
}

// refuse makes a dead letter of a record that no handler saw.
func (b *batch) refuse(it *item, f *Failure) {
	l := b.s.ledgerOf(it.partition)
	halts := it.event.SagaID != "" && it.step != nil && it.step.Role != wire.RoleWatch && l.Entry(it.id) == nil &&
		kafkaPartition(it.event.SagaID, b.s.cfg.Partitions) == it.partition && b.claim(it)
	b.letter(it, f, 0, halts)
	if halts {
		l.Halt(ledger.Entry{
			ID: it.id, Lane: it.lane, Saga: it.saga, Step: it.step.Topic, Accepted: it.accepted, Error: f.Error(),
		})
	}
}

func (b *batch) letter(it *item, f *Failure, attempts int, halts bool) {
	letter := &wire.Letter{
		Service: b.s.service.Name, Step: it.topic, Record: *b.s.whole(it), Attempts: attempts,
		Class: f.Class, Error: f.Error(), Stack: f.Stack, Time: b.now, Halted: halts, Bound: b.s.letterBound,
	}
	b.outputs = append(b.outputs, output{record: b.s.letterRecord(letter), letter: letter})
	b.onCommit(func() {
		step := it.topic
		if it.step == nil && it.entry == nil {
			step = "" // a foreign word: labels must not grow with what others write
		}
		b.s.metrics.letters.WithLabelValues(step, f.Class).Inc()
		b.s.logger.Warn("event became a dead letter", "topic", letter.Record.Topic, "partition", letter.Record.Partition,
			"offset", letter.Record.Offset, "step", it.topic, "saga", it.event.SagaID, "class", f.Class, "error", f.Error())
	})
}

// forward sends a record to this service's inbox, in the partition of its saga.
func (b *batch) forward(it *item) {
	b.outputs = append(b.outputs, output{record: b.s.inboxRecord(it), item: it})
	b.onCommit(b.s.metrics.records.forwarded.Inc)
}

// note records that an event was ignored, for whoever reads the ledger.
func (b *batch) note(it *item, reason string) {
	b.outputs = append(b.outputs, output{record: b.s.noteRecord(it, reason)})
	b.onCommit(b.s.metrics.records.ignored.Inc)
	b.s.logger.Debug("event ignored", "topic", it.topic, "saga", it.event.SagaID, "event", it.id, "reason", reason)
}
