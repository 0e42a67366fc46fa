package saga

import (
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// timeMost bounds what one batch does because of the time.
const timeMost = 500

// passDeadlines deals with open sagas that took too long: they are said to be overdue, and are undone if their workflow says so.
func (b *Batch) passDeadlines(partition int32, l *ledger.Ledger) {
	for _, saga := range l.PassDeadlines(b.now, timeMost) {
		id := uuid.UUID(saga).String()
		const reason = "the saga's deadline has passed"
		b.Outs = append(b.Outs, Out{Kind: Note, Partition: partition, Note: &wire.LedgerRecord{
			Op: wire.OpNote, ID: wire.EventID(id, b.m.Service, "deadline", 0), Saga: id, Workflow: l.WorkflowOf(saga), Accepted: b.now, Reason: reason,
			State: wire.StateOverdue,
		}})
		if step := b.m.begins(l.WorkflowOf(saga)); step == nil || step.OnDeadline != wire.DeadlineExpires {
			continue
		}
		if _, turning := l.TurnOf(saga); !turning {
			b.recall(id, saga, ledger.Turn{Outcome: wire.Expired, Reason: reason}, l)
		}
	}
}

// ask asks whoever has a token that is to be turned round for it: again and again, as services remember nothing of a question, and the
// token may be on its way between them.
func (b *Batch) ask(partition int32, l *ledger.Ledger) {
	for _, saga := range l.Questions(b.now, timeMost, func(asked int) time.Time { return later(b.now, asked) }) {
		t, _ := l.TurnOf(saga)
		id := uuid.UUID(saga).String()
		event := &wire.Event{
			ID:     wire.EventID(id, b.m.Service, wire.CancelType, int(b.now.UnixNano())),
			Source: b.m.source, Type: wire.CancelType, Time: b.now, SagaID: id, Workflow: l.WorkflowOf(saga), ContentType: "application/json",
			Payload: wire.Turn{Outcome: t.Outcome, Reason: t.Reason}.Encode(),
		}
		b.emit(Out{Topic: wire.Namespace("").Cancel(), Partition: partition, Event: event})
	}
}

// heed turns a token round that is asked for and held here.
func (b *Batch) heed(it *Item) {
	l := b.d.Ledger(it.Partition)
	t, err := wire.DecodeTurn(it.Event.Payload)
	if err != nil || l.IsOpen(it.Saga) { // an initiator has looked for itself
		return
	}
	b.turnHeld(l, it.Event.SagaID, t)
}

// NextDue is when there is something to do at the earliest, without a record; zero if nothing. A probe whose time has come is none: either
// work waits for it, which Ledger.Waits says, or its handler runs, or nothing is left that it would be tried with.
func (m *Machine) NextDue(now time.Time, ledgers map[int32]*ledger.Ledger) (next time.Time) {
	consider := func(due time.Time) {
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	for _, o := range m.outages {
		if o.next.After(now) {
			consider(o.next)
		}
	}
	for _, l := range ledgers {
		consider(l.NextDue())
	}
	return next
}
