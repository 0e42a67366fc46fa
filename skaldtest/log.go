package skaldtest

import (
	"slices"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// log is the topics, each of one partition. What is in it is committed.
type log struct {
	w       *World
	topics  map[string][]*record
	owner   map[string]string // of an event ID: its saga, or the first event of no saga
	adopted map[string]string // sagas by the event of no saga that began them
	letters []letter
	written int
}

type record struct {
	wire.Record
	event *wire.Event
	of    string // see log.owner
	at    int    // its place among all records
	fed   bool   // by the test
}

type letter struct {
	skald.DeadLetter
	of string
}

func newLog(w *World) log {
	return log{w: w, topics: map[string][]*record{}, owner: map[string]string{}, adopted: map[string]string{}}
}

func (l *log) append(r wire.Record) *record {
	topic := l.topics[r.Topic]
	r.Offset, r.Time = int64(len(topic)), l.w.now
	e, _ := wire.Parse(r.Headers, r.Value) // what can't be read becomes a dead letter
	l.written++
	rec := &record{Record: r, event: e, of: l.own(e), at: l.written}
	l.topics[r.Topic] = append(topic, rec)
	return rec
}

// own says whose an event is.
func (l *log) own(e *wire.Event) string {
	cause := l.owner[e.CausationID]
	switch {
	case e.SagaID != "":
		if cause != "" && cause == e.CausationID {
			l.adopted[cause] = e.SagaID
		}
		cause = e.SagaID
	case e.ParentSaga != "":
		cause = e.ParentSaga
	case cause == "":
		cause = e.ID
	}
	if e.ID != "" {
		l.owner[e.ID] = cause
	}
	return cause
}

// write makes the record of what a batch puts out.
func (m *member) write(o *saga.Out) {
	l := &m.w.log
	switch o.Kind {
	case saga.Emit:
		l.append(eventRecord(o))
	case saga.Forward:
		l.append(m.forwarded(o))
	case saga.Letter:
		m.writeLetter(o)
	case saga.Note:
		if o.Note.Answer != "" {
			m.w.answers[o.Note.ID] = skald.Answer{Accepted: o.Note.Answer == wire.AnswerAccepted, Text: o.Note.Reason}
		}
	}
}

// Encode says how large an event's record is.
func (m *member) Encode(o *saga.Out) int {
	r := eventRecord(o)
	return r.Size()
}

func eventRecord(o *saga.Out) wire.Record {
	r := wire.Record{Topic: o.Topic, Key: []byte(o.Event.SagaID), Headers: o.Event.Headers(), Value: o.Event.Payload}
	if len(r.Key) == 0 {
		r.Key = []byte(o.Event.ParentSaga)
	}
	return r
}

// forwarded is a record on its way through the inbox. It keeps the ID by which it was known.
func (m *member) forwarded(o *saga.Out) wire.Record {
	r := *m.machine.Whole(o.Item)
	r.Topic, r.Key = wire.Namespace("").Inbox(m.name), []byte(o.Item.Event.SagaID)
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h wire.Header) bool { return h.Key == wire.HeaderOrigin })
	r.Headers = append(r.Headers, wire.Header{Key: wire.HeaderOrigin, Value: []byte(o.Item.Topic)})
	return r
}

func (m *member) writeLetter(o *saga.Out) {
	written := &wire.Letter{
		ID: o.ID, Event: o.Item.ID, Service: m.name, Step: o.Item.Topic, Record: *m.machine.Whole(o.Item), Attempts: o.Attempts,
		Class: o.Failure.Class, Error: o.Failure.Error(), Stack: o.Failure.Stack, Time: m.w.now, Halted: o.Halted, Bound: engine.LetterBound,
	}
	l := &m.w.log
	r := l.append(wire.Record{
		Topic: wire.Namespace("").DeadLetters(), Key: written.Record.Key, Headers: written.Headers(), Value: written.Value(),
	})
	if parsed, ok := inside.Letter(&r.Record); ok {
		l.letters = append(l.letters, letter{parsed.(skald.DeadLetter), r.of})
	}
}
