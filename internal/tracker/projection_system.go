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
		Outcome: o.Outcome, Reason: text(o.Reason, maxError), Undone: undoneBy(o.Undone), Ended: nanos(o.Ended),
		Partition: r.Partition, Offset: r.Offset,
	}
	if f.outcome.Ended == 0 {
		f.outcome.Ended = eventTime(e, r)
	}
	if e.Hop > 0 { // else a command has ended the saga, and no step
		f.work = finished(e)
		f.work.turned = o.Outcome != wire.Completed
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
		f.overdue = l.State == wire.StateOverdue
	case l.Op != wire.OpPut: // what is gone from the ledger has an event, a letter or an outcome to tell of it
	case l.Kind == wire.KindOpen:
		f.started, f.deadline, f.overdue = startClaim{startOfLedger, nanos(l.Accepted)}, nanos(l.Due), l.Told
		if isOutcome(l.Outcome) {
			f.ending = endingFact{r.Offset + 1, l.Outcome, text(l.Reason, maxError)}
		}
	case l.Kind == wire.KindWork || l.Kind == wire.KindHalted || l.Kind == wire.KindBlocked:
		f.started = startClaim{startOfAny, nanos(l.Accepted)}
		f.work = workFact{
			id: text(l.ID, maxID), service: service, topic: text(l.Step, maxName), hop: -1, attempt: l.Attempt, phase: phaseOf(&l),
			redrives: l.Redrives, at: r.Offset + 1, accepted: nanos(l.Accepted), started: nanos(l.Started), err: text(l.Error, maxError),
		}
		if f.work.phase == phaseRetrying {
			f.work.due = nanos(l.Due)
		}
		if tellsOfFailure(&l) {
			l.Event, l.Error = nil, text(l.Error, maxError) // the story has the event already
			f.keep, f.value = true, l.Encode()
		}
	}
	return f, skipNone, nil
}

// tellsOfFailure says whether a ledger record tells of an attempt that failed: it's the only one that does, but for the last attempt's
// dead letter. That what a handler needs is away is told by its state alone: it's said again at every probe.
func tellsOfFailure(l *wire.LedgerRecord) bool {
	return l.Kind == wire.KindBlocked || l.Kind == wire.KindWork && l.State == wire.StateRetrying
}

func phaseOf(l *wire.LedgerRecord) phase {
	switch {
	case l.Kind == wire.KindHalted:
		return phaseHalted
	case l.Kind == wire.KindBlocked, l.State == wire.StateBlocked:
		return phaseBlocked
	case l.State == wire.StateRetrying:
		return phaseRetrying
	case l.State == wire.StateUnavailable:
		return phaseWaiting
	case !l.Started.IsZero():
		return phaseRunning
	}
	return phaseAccepted
}

func isOutcome(s string) bool {
	switch s {
	case wire.Completed, wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned:
		return true
	}
	return false
}
