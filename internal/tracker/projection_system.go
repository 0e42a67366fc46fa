package tracker

import (
	"errors"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// projectOutcome: an outcome ends the saga, and the End step that brought it about.
func projectOutcome(r *wire.Record) (fact, skip, error) {
	e, err := parseEvent(r)
	if e.SagaID == "" || e.Type != wire.OutcomeType {
		return fact{}, skipOutcome, errors.Join(errors.New("no ce_sagaid, or ce_type isn't "+wire.OutcomeType), err)
	}
	o, err := wire.DecodeOutcome(e.Payload)
	if err != nil {
		return fact{}, skipOutcome, err
	}
	if !isOutcome(o.Outcome) {
		return fact{}, skipOutcome, errors.New("an outcome that this Skald doesn't know: upgrade it")
	}
	f := aboutSaga(e)
	f.started = startClaim{startOfOutcome, nanos(o.Started)}
	f.outcome = outcomeFact{
		Outcome: o.Outcome, Reason: text(o.Reason, maxError), Ended: nanos(o.Ended), Partition: r.Partition, Offset: r.Offset,
	}
	if f.outcome.Ended == 0 {
		f.outcome.Ended = eventTime(e, r)
	}
	if o.Outcome == wire.Completed {
		f.work = finished(e)
	}
	return f, skipNone, nil
}

// projectLetter: a dead letter halts the step whose event it holds, and so the saga, if it says so.
func projectLetter(r *wire.Record) (fact, skip, error) {
	l, err := wire.ParseLetter(r)
	if err != nil {
		return fact{}, skipLetter, err
	}
	e, _ := parseEvent(&l.Record) // may well be malformed: that can be why it is a letter
	if e.SagaID == "" {
		return fact{}, skipNoSaga, nil
	}
	f := aboutSaga(e)
	if l.Halted {
		f.work = workFact{
			id: eventID(e, l.Step, &l.Record), service: text(l.Service, maxName), topic: text(l.Step, maxName), hop: e.Hop, attempt: l.Attempts,
			phase: phaseHalted, err: text(l.Error, maxError),
		}
	}
	return f, skipNone, nil
}

// projectLedger: a service's ledger tells what it has accepted and not finished.
func projectLedger(service string, r *wire.Record) (fact, skip, error) {
	l, err := wire.DecodeLedgerRecord(r.Value)
	if err != nil {
		return fact{}, skipLedger, err
	}
	if l.Saga == "" {
		return fact{}, skipNoSaga, nil
	}
	saga, err := uuid.Parse(l.Saga)
	if err != nil {
		return fact{}, skipLedger, err
	}
	f := fact{saga: store.SagaID(saga), workflow: claim{rankOfLedger, text(l.Workflow, maxName)}}
	switch {
	case l.Op == wire.OpNote:
		f.keep = true
	case l.Op != wire.OpPut: // what is gone from the ledger has an event, a letter or an outcome to tell of it
	case l.Kind == wire.KindOpen:
		f.started, f.deadline = startClaim{startOfLedger, nanos(l.Accepted)}, nanos(l.Due)
	case l.Kind == wire.KindWork || l.Kind == wire.KindHalted:
		f.started = startClaim{startOfAny, nanos(l.Accepted)}
		f.work = workFact{
			id: text(l.ID, maxID), service: service, topic: text(l.Step, maxName), hop: -1, attempt: l.Attempt, phase: phaseAccepted,
			accepted: nanos(l.Accepted), started: nanos(l.Started), err: text(l.Error, maxError),
		}
		if l.Kind == wire.KindHalted {
			f.work.phase = phaseHalted
		} else if !l.Started.IsZero() {
			f.work.phase = phaseRunning
		}
	}
	return f, skipNone, nil
}

func isOutcome(s string) bool {
	switch s {
	case wire.Completed, wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned:
		return true
	}
	return false
}
