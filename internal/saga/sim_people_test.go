package saga_test

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// Handlers with effects, and people who ask for things.

// effect is what a step of a saga did in its service's own store, as skaldsql keeps it: once, and never after it was undone.
type effect struct {
	done, undone bool
}

type undoneError struct{}

func (undoneError) Error() string { return "the effect was undone" }
func (undoneError) Undone() bool  { return true }

// handle runs a handler to its end: its effect, and what it returns.
func (m *member) handle(e *saga.Execution) {
	w := m.w
	it := e.Item
	if it.Undo != nil {
		m.compensate(e)
		return
	}
	key := call.IdempotencyKey(it.EffectOf(), m.group.service, it.Step.Topic)
	if w.bug == "the idempotency key changes" {
		key = fmt.Sprint(key, e.Attempt)
	}
	stream := w.judge.isStream(it.Event.SagaID)
	switch n := w.rng.IntN(100); {
	case w.calm || stream && e.Attempt >= w.plan.attempts: // nothing of a stream is given up
	case n < 12:
		e.Err = errTest
		return
	case n < 14:
		e.Err = &saga.Failure{Class: wire.ClassUnavailable, Err: errTest}
		return
	case n < 16 && !stream:
		e.Err = &saga.Failure{Class: wire.ClassPoison, Err: errTest}
		return
	case n < 22 && !stream && !w.judge.effects[key].done:
		e.Err = &saga.Failure{Class: wire.ClassRejected, Err: errTest}
		return
	}
	if !stream && it.Step.Role != wire.RoleEnd {
		if !w.judge.once(key, it, m.group.service) {
			e.Err = undoneError{}
			return
		}
	}
	if w.trouble(0.1) && (!stream || e.Attempt < w.plan.attempts) {
		e.Err = errTest // it did its work all the same
		return
	}
	for _, next := range it.Step.Next {
		e.Outputs = append(e.Outputs, saga.Output{Topic: next, Payload: it.Event.Payload, ContentType: "application/json"})
	}
}

func (m *member) compensate(e *saga.Execution) {
	w := m.w
	if w.trouble(0.2) {
		e.Err = errTest
		return
	}
	if w.trouble(0.06) {
		e.Err = &saga.Failure{Class: []string{wire.ClassPoison, wire.ClassUnavailable, wire.ClassRejected}[w.rng.IntN(3)], Err: errTest}
		return
	}
	w.judge.undo(e.Item, m.group.service)
	if w.trouble(0.1) {
		e.Err = errTest
	}
}

// people start sagas, cancel them, and deal with what has failed.
func (w *world) people() {
	switch n := w.rng.IntN(100); {
	case n < 35:
		w.startSaga()
	case n < 45:
		w.stream()
	case n < 47 && !w.calm && len(w.sagas) > 0:
		w.command("home", wire.Command{Kind: wire.CommandCancel, Saga: w.sagas[w.rng.IntN(len(w.sagas))], Reason: "on purpose"})
	case n < 75:
		w.dealWithLetter()
	case n < 90 && len(w.sagas) > 0:
		decision := wire.DecideRetry
		g := w.groups[w.rng.IntN(len(w.groups))]
		w.command(g.service, wire.Command{Kind: wire.CommandUnblock, Saga: w.sagas[w.rng.IntN(len(w.sagas))], Decision: decision})
	}
}

func (w *world) startSaga() {
	var id string
	switch {
	case len(w.sagas) < w.plan.sagas && !w.calm:
		w.serial++
		id = wire.SagaIDFor("w", fmt.Sprint(w.serial))
		w.sagas = append(w.sagas, id)
	case len(w.sagas) > 0 && w.trouble(0.2):
		id = w.sagas[w.rng.IntN(len(w.sagas))] // again
	default:
		return
	}
	e := &wire.Event{ID: wire.EventID(id, "", topicStart, 0), Source: "/test", Type: topicStart, Time: w.now, SagaID: id, Workflow: "w", Payload: []byte(`{}`)}
	partition := w.partitionOf(id)
	if w.trouble(0.2) {
		partition = w.rng.Int32N(w.plan.partitions) // another client's partitioner
	}
	w.sayf("a client starts %.8s", id)
	w.append(&record{Record: wire.Record{Topic: topicStart, Partition: partition, Key: []byte(id), Headers: e.Headers(), Value: e.Payload}})
}

// stream sends several events of a saga of another system to a step: they must stay in order.
func (w *world) stream() {
	if w.plan.streams == 0 || w.calm {
		return
	}
	id := wire.SagaIDFor("stream", fmt.Sprint(w.rng.IntN(w.plan.streams)))
	w.serial++
	w.judge.streams[id]++
	e := &wire.Event{
		ID: wire.EventID(id, "", topicA, w.serial), Source: "/test", Type: topicA, Time: w.now, SagaID: id, Workflow: "other", Hop: 1,
		Payload: []byte(fmt.Sprint(w.judge.streams[id])),
	}
	w.append(&record{Record: wire.Record{Topic: topicA, Partition: w.partitionOf(id), Key: []byte(id), Headers: e.Headers(), Value: e.Payload}})
}

func (w *world) command(service string, c wire.Command, payload ...byte) {
	w.serial++
	c.ID, c.Time = wire.EventID(fmt.Sprint(w.serial), service, c.Kind, 0), w.now
	if c.Kind != wire.CommandUnblock && !w.calm {
		w.sayf("a person asks %s to %s %.8s", service, c.Kind, c.Saga)
	}
	if c.Letter != nil {
		w.judge.asked[c.ID] = c.Letter.ID
	}
	w.append(&record{Record: wire.Record{
		Topic: inboxOf(service), Partition: w.partitionOf(c.Saga), Key: []byte(c.Saga), Headers: []wire.Header{{Key: wire.HeaderCommand, Value: c.Encode()}}, Value: payload,
	}})
}

func (w *world) dealWithLetter() {
	at := place{"skald.dlq", w.rng.Int32N(w.plan.partitions)}
	var letters []*record
	for _, r := range w.logs[at] {
		if r.isCommitted() {
			letters = append(letters, r)
		}
	}
	if len(letters) == 0 {
		return
	}
	n := w.rng.IntN(len(letters))
	if w.calm { // they go through all of them
		n = w.steps % len(letters)
	}
	l, err := wire.ParseLetter(&letters[n].Record)
	if err != nil {
		w.judge.failf("I1", "a dead letter can't be read: %v", err)
		return
	}
	e, _ := wire.Parse(l.Record.Headers, l.Record.Value)
	kind := wire.CommandRedrive
	if w.trouble(0.2) {
		kind = wire.CommandDiscard
	}
	edited := kind == wire.CommandRedrive && w.trouble(0.3)
	w.command(l.Service, wire.Command{Kind: kind, Saga: e.SagaID, Edited: edited, Letter: &wire.LetterRef{ID: l.ID, Event: l.Event, Offset: letters[n].Offset}}, l.Record.Value...)
}

func mustUUID(s string) uuid.UUID { return uuid.MustParse(s) }
