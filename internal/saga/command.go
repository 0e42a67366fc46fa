package saga

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// obey carries out a command, or says why not, in a note that answers it. Commands pass a saga's queue.
func (b *Batch) obey(o *ordered) {
	c, it := o.command, o.item
	l := b.d.Ledger(it.Partition)
	var refusal, done string
	switch c.Kind {
	case wire.CommandRedrive:
		done, refusal = b.redrive(o, l)
	case wire.CommandDiscard:
		done, refusal = b.discard(c, l)
	case wire.CommandCancel:
		done, refusal = b.cancel(c, l)
	case wire.CommandAbandon:
		done, refusal = b.writeOff(it, c, l)
	case wire.CommandUnblock:
		done, refusal = b.unblock(c, l)
	}
	n := &wire.LedgerRecord{
		Op: wire.OpNote, ID: c.ID, Saga: c.Saga, Step: it.Topic, Accepted: it.Accepted, Answer: wire.AnswerAccepted, Reason: done,
	}
	if refusal != "" {
		n.Answer, n.Reason = wire.AnswerRefused, refusal
	}
	b.Outs = append(b.Outs, Out{Kind: Note, Partition: it.Partition, Item: it, Note: n})
}

// halted finds the entry that a letter halts: it admits one command that ends the halt.
func halted(c wire.Command, l *ledger.Ledger) *ledger.Entry {
	entry := l.Entry(c.Letter.Event)
	if entry == nil || entry.Kind != ledger.Halted || entry.Letter != c.Letter.ID {
		return nil
	}
	return entry
}

const noLetter = "no saga is halted here by this dead letter: it was redriven or discarded before, its saga has been undone, or it is another service's"

// redrive gives a dead letter's event back to its step. The attempts begin anew, under the same idempotency key.
func (b *Batch) redrive(o *ordered, l *ledger.Ledger) (done, refusal string) {
	c := o.command
	entry := halted(c, l)
	if entry == nil {
		watched := o.item.Step != nil && o.item.Step.Role == wire.RoleWatch
		if !watched && (o.item.inSaga() || c.Saga != "") {
			return "", noLetter
		}
		return b.redriveLoose(o, l)
	}
	it, ok := entry.Data.(*Item)
	if !ok {
		return "", "the event is too large to be handled: discard it"
	}
	if it.Step == nil && it.Undo == nil {
		return "", fmt.Sprintf("service %q has no step on topic %q any more: bring it back first", b.m.Service, it.Topic)
	}
	if it.Step != nil && it.Step.Role == wire.RoleEnd && !l.IsOpen(it.Saga) {
		return "", "the saga has ended"
	}
	how := ""
	if c.Edited {
		if it, refusal = b.m.edit(it, o); refusal != "" {
			return "", refusal
		}
		how = ", with another payload"
	}
	it.Entry = entry
	next := it.fresh()
	next.Redrives = entry.Redrives + 1
	b.keep(it, next)
	return fmt.Sprintf("redriven%s, for the %s time", how, ordinal(next.Redrives)), ""
}

// redriveLoose takes the event of a letter that halted no saga, as the command's record carries it. That it was redriven is not
// remembered: its effects are kept from happening twice by their idempotency key.
func (b *Batch) redriveLoose(o *ordered, l *ledger.Ledger) (done, refusal string) {
	in, it := o.in, o.item
	if it.Step == nil {
		return "", fmt.Sprintf("service %q has no step on topic %q", b.m.Service, it.Topic)
	}
	if in.Err != nil {
		return "", "the event can't be read: " + in.Err.Error()
	}
	if o.command.Edited {
		if err := it.Step.Readable(in.Event); err != nil {
			return "", "that payload isn't what the step takes: " + err.Error()
		}
	}
	if in.Event.ID == "" || in.Event.Source == "" {
		in.Event.ID = o.command.Letter.Event // it was known by where it lay
		in.Event.Source = "/skald/dlq"
		it.identify(it.Topic, &in)
	}
	again, verdict, why := b.m.judgeEvent(it, &in)
	switch verdict {
	case forward:
		b.forward(again)
		return "redriven: it goes to its saga's partition first", ""
	case run:
	case pass:
		return "", "the event isn't this step's business"
	default:
		return "", why.Error()
	}
	if l.Entry(again.ID) != nil {
		return "", "the event is being handled"
	}
	b.keep(again, again.fresh())
	return "redriven", ""
}

// discard gives a dead letter up: its saga is undone and ends as abandoned.
func (b *Batch) discard(c wire.Command, l *ledger.Ledger) (done, refusal string) {
	entry := halted(c, l)
	if entry == nil {
		if c.Saga == "" {
			return "discarded: it belongs to no saga, and nothing waits for it", ""
		}
		return "", noLetter
	}
	it, ok := entry.Data.(*Item)
	if ok && it.Undo == nil {
		it.Entry = entry
		if b.turn(it, nil, wire.Turn{Outcome: wire.Abandoned, Reason: c.Reason}) {
			return "discarded: what was done is being undone", ""
		}
	}
	return "", "what was done can't be undone, as the routing slip can't be read: abandon the saga at its initiator, and undo it by hand"
}

// cancel asks for a saga's token, wherever it is, to undo what was done.
func (b *Batch) cancel(c wire.Command, l *ledger.Ledger) (done, refusal string) {
	saga := sagaOf(c)
	if refusal := b.mustBeOpen(saga, l); refusal != "" {
		return "", refusal
	}
	if t, ok := l.TurnOf(saga); ok {
		return "it is to end as " + t.Outcome + " already", ""
	}
	b.recall(c.Saga, saga, ledger.Turn{Outcome: wire.Cancelled, Reason: c.Reason}, l)
	return "the saga is being cancelled", ""
}

// recall notes how a saga is to end, and turns its token round if it is here. If not, ask asks for it.
func (b *Batch) recall(lane string, saga ledger.SagaID, t ledger.Turn, l *ledger.Ledger) {
	l.TurnRound(saga, t, b.now)
	b.turnHeld(l, lane, wire.Turn{Outcome: t.Outcome, Reason: t.Reason})
}

// writeOff ends a saga whose token never returns.
func (b *Batch) writeOff(it *Item, c wire.Command, l *ledger.Ledger) (done, refusal string) {
	saga := sagaOf(c)
	if refusal := b.mustBeOpen(saga, l); refusal != "" {
		return "", refusal
	}
	b.clear(c.Saga, it.Partition, l)
	event := &wire.Event{
		ID: wire.EventID(c.ID, b.m.Service, wire.OutcomeType, outcomeNumber), Source: b.m.source, Type: wire.OutcomeType, Time: b.now,
		SagaID: c.Saga, Workflow: l.WorkflowOf(saga), CausationID: c.ID, Accepted: it.Accepted,
	}
	of := &Item{Event: event, Partition: it.Partition, Saga: saga, ID: c.ID, Accepted: it.Accepted}
	b.outcome(of, nil, event, l, wire.Outcome{Outcome: wire.Abandoned, Reason: c.Reason})
	return "the saga is abandoned: nothing was undone", ""
}

// unblock carries out what a person decided about a blocked undo.
func (b *Batch) unblock(c wire.Command, l *ledger.Ledger) (done, refusal string) {
	for _, entry := range l.Lane(c.Saga) {
		it, ok := entry.Data.(*Item)
		if entry.Kind != ledger.Blocked || !ok {
			continue
		}
		it.Entry = entry
		if c.Decision == wire.DecideResolved {
			b.passBack(it, nil, true)
			return "taken as undone: the saga goes on", ""
		}
		delete(b.m.Refused, it.Key)
		it.Undo.Problem = b.m.problem(it)
		b.keep(it, it.fresh())
		return "it is tried again", ""
	}
	return "", "no undo of this saga is blocked in service " + b.m.Service
}

func (b *Batch) mustBeOpen(saga ledger.SagaID, l *ledger.Ledger) string {
	switch {
	case l.IsOpen(saga):
		return ""
	case l.WasClosed(saga, b.now):
		return "the saga has ended: its outcome is decided"
	}
	return fmt.Sprintf("no such saga is open in service %q: it has ended, or was begun by another service, or never", b.m.Service)
}

func sagaOf(c wire.Command) ledger.SagaID { return ledger.SagaID(uuid.MustParse(c.Saga)) }

func ordinal(n int) string {
	switch n {
	case 1:
		return "first"
	case 2:
		return "second"
	}
	return fmt.Sprintf("%dth", n)
}
