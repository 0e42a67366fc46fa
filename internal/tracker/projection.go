package tracker

import (
	"slices"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// skip says why a record tells nothing about any saga.
type skip string

const (
	skipNone      skip = ""
	skipNoSaga    skip = "of no saga" // normal: open-loop events, starts that are still to be adopted, checkpoints
	skipEvent     skip = "malformed event"
	skipLedger    skip = "malformed ledger record"
	skipLetter    skip = "malformed dead letter"
	skipOutcome   skip = "malformed outcome"
	skipCommand   skip = "malformed command"
	skipAnnounced skip = "malformed announcement"
	skipTopic     skip = "of a topic that isn't read"
	skipTooLarge  skip = "in a batch that decompresses to too much"
)

// project says what a record tells. It is pure: nothing but the record goes in, so a record means the same whenever it's read.
// The error says what is wrong with a record that is skipped, or whose headers could be read only in part.
func project(src source, r *wire.Record) (fact, skip, error) {
	switch src.kind {
	case sourceEvents:
		return projectEvent(src.name, r)
	case sourceInbox:
		return projectInbox(src.service, r)
	case sourceOutcomes:
		return projectOutcome(r)
	case sourceLetters:
		return projectLetter(r)
	case sourceLedger:
		return projectLedger(src.service, r)
	}
	return fact{}, skipTopic, nil
}

// projectEvent: an event begins the step that takes it, and ends the step that made it.
func projectEvent(topic string, r *wire.Record) (fact, skip, error) {
	e, err := parseEvent(r)
	if e.SagaID == "" {
		return projectOpenLoop(e, err)
	}
	f := aboutSaga(e)
	queued := eventTime(e, r)
	f.started = startClaim{startOfAny, queued}
	if topic == "" {
		return f, skipNone, err
	}
	f.input = inputFact{id: eventID(e, topic, r), topic: text(topic, maxName), hop: e.Hop, queued: queued}
	if e.ID != f.input.id {
		f.input.raw = text(e.ID, maxID)
	}
	switch {
	case err != nil: // its service will refuse it; what it says of its past isn't to be trusted
	case e.Hop == 0: // a start: one that was adopted names the foreign event as its cause, which was no step
		f.started.Rank = startOfEvent
	default:
		f.work = finished(e)
	}
	return f, skipNone, err
}

func projectOpenLoop(e *wire.Event, err error) (fact, skip, error) {
	parent, parseErr := uuid.Parse(e.ParentSaga)
	switch {
	case parseErr == nil:
		return fact{saga: store.SagaID(parent), keep: true}, skipNone, err
	case err != nil:
		return fact{}, skipEvent, err
	}
	return fact{}, skipNoSaga, nil
}

// parseEvent reads an event without its routing slip, which is long and no business of the tracker's.
func parseEvent(r *wire.Record) (*wire.Event, error) {
	isRoute := func(h wire.Header) bool { return h.Key == wire.HeaderRoute }
	headers := r.Headers
	if slices.ContainsFunc(headers, isRoute) {
		headers = slices.DeleteFunc(slices.Clone(headers), isRoute)
	}
	return wire.Parse(headers, r.Value)
}

// aboutSaga is what every event of a saga tells. The nearer to the start, the better it knows.
func aboutSaga(e *wire.Event) fact {
	return fact{
		saga: store.SagaID(uuid.MustParse(e.SagaID)), keep: true,
		workflow: claim{e.Hop, text(e.Workflow, maxName)}, subject: claim{e.Hop, text(e.Subject, maxKey)},
	}
}

// finished is what an event tells of the work whose output it is.
func finished(e *wire.Event) workFact {
	return workFact{
		id: text(e.CausationID, maxID), service: text(wire.ServiceOf(e.Source), maxName), hop: e.Hop - 1, attempt: e.Attempt, phase: phaseDone,
		accepted: nanos(e.Accepted), started: nanos(e.Started), finished: nanos(e.Time), err: text(e.LastError, maxError),
	}
}

// eventID is what ledgers and causations know an event by: its own ID if that is a UUID, else one made of its source and ID
// (unique only together, CloudEvents 1.0 section 3.1) or of where the record lies.
func eventID(e *wire.Event, topic string, r *wire.Record) string {
	switch {
	case e.ID == "" || e.Source == "" && uuid.Validate(e.ID) != nil:
		return wire.RecordID(topic, r.Partition, r.Offset)
	case uuid.Validate(e.ID) == nil:
		return e.ID
	}
	return wire.ForeignID(e.Source, e.ID)
}

func eventTime(e *wire.Event, r *wire.Record) int64 {
	if t := nanos(e.Time); t != 0 {
		return t
	}
	return nanos(r.Time)
}
