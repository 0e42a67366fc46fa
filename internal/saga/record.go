package saga

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// Record writes down one change of a ledger.
func (m *Machine) Record(c ledger.Change) wire.LedgerRecord {
	e := c.Entry
	r := wire.LedgerRecord{
		Op: wire.OpPut, ID: e.ID, Step: e.Step, Workflow: c.Workflow, Accepted: e.Accepted, Started: e.Started,
		Due: e.Due, Attempt: e.Attempt, Error: e.Error, Order: e.Order, Letter: e.Letter, Unread: e.Unread, Redrives: e.Redrives,
	}
	if c.Op == ledger.Delete {
		r.Op = wire.OpDelete
	}
	if e.Saga != (ledger.SagaID{}) {
		r.Saga = uuid.UUID(e.Saga).String()
	}
	if e.Lane != r.Saga {
		r.Lane = e.Lane
	}
	switch e.Kind {
	case ledger.Open:
		r.Kind, r.ID, r.Due, r.Lane = wire.KindOpen, r.Saga, c.Deadline, ""
		r.Told, r.Outcome, r.Reason = c.Told, c.Turn.Outcome, c.Turn.Reason
	case ledger.Work:
		r.Kind = wire.KindWork
	case ledger.Halted:
		r.Kind = wire.KindHalted
	case ledger.Blocked:
		r.Kind = wire.KindBlocked
	case ledger.Checkpoint:
		r.Kind = wire.KindCheckpoint
		r.Offsets, _ = e.Data.(map[string]int64)
	}
	if it, ok := e.Data.(*Item); ok && c.Op == ledger.Put {
		r.Event, r.Workflow, r.Undo = m.Whole(it), it.Event.Workflow, it.Undo != nil
	}
	if c.Op == ledger.Put {
		r.State = stateOf(c)
	}
	return r
}

// stateOf says for readers what the other fields amount to.
func stateOf(c ledger.Change) string {
	switch e := c.Entry; e.Kind {
	case ledger.Open:
		switch {
		case c.Turn.Outcome != "":
			return wire.StateTurning
		case c.Told:
			return wire.StateOverdue
		}
	case ledger.Halted:
		return wire.StateHalted
	case ledger.Blocked:
		return wire.StateBlocked
	case ledger.Work:
		switch {
		case e.Hangs:
			return wire.StateBlocked
		case !e.Due.IsZero():
			return wire.StateRetrying
		case !e.Started.IsZero():
			return wire.StateRunning
		case e.Error != "":
			return wire.StateUnavailable
		}
		return wire.StateQueued
	}
	return ""
}

// Replay gives a ledger one of its records.
func (m *Machine) Replay(l *ledger.Ledger, partition int32, offset int64, w wire.LedgerRecord) error {
	var saga ledger.SagaID
	if w.Saga != "" {
		id, err := uuid.Parse(w.Saga)
		if err != nil {
			return fmt.Errorf("saga ID: %w", err)
		}
		saga = ledger.SagaID(id)
	}
	switch {
	case w.Op == wire.OpNote:
		return nil
	case w.Op == wire.OpDelete:
		l.ReplayDelete(offset, kindOf(w.Kind), saga, w.ID)
		return nil
	case w.Kind == wire.KindOpen:
		l.ReplayOpen(offset, saga, w.Accepted, ledger.Change{
			Workflow: w.Workflow, Deadline: w.Due, Told: w.Told, Turn: ledger.Turn{Outcome: w.Outcome, Reason: w.Reason},
		})
		return nil
	}
	e := ledger.Entry{
		Kind: kindOf(w.Kind), ID: w.ID, Lane: w.Lane, Saga: saga, Step: w.Step, Accepted: w.Accepted, Started: w.Started,
		Due: w.Due, Attempt: w.Attempt, Error: w.Error, Order: w.Order, Letter: w.Letter, Unread: w.Unread, Redrives: w.Redrives,
	}
	if e.Lane == "" {
		e.Lane = w.Saga
	}
	switch {
	case e.Kind == 0:
		return fmt.Errorf("unknown kind of entry %q", w.Kind)
	case e.Kind == ledger.Checkpoint:
		e.Data = w.Offsets
	case w.Event != nil:
		it, err := m.revive(w, partition, e)
		if err != nil {
			return err
		}
		e.Data = it
	case e.Kind != ledger.Halted:
		return errors.New("work without its event")
	}
	l.ReplayPut(offset, e)
	return nil
}

// revive makes the item of a ledger entry. Its step is nil when this service no longer has it. What couldn't be read of a halted event
// before can't now.
func (m *Machine) revive(w wire.LedgerRecord, partition int32, e ledger.Entry) (*Item, error) {
	event, err := wire.Parse(w.Event.Headers, w.Event.Value)
	if err != nil && e.Kind != ledger.Halted {
		return nil, fmt.Errorf("event: %w", err)
	}
	it := &Item{
		Source: w.Event, Event: event, Topic: w.Step, Step: m.Steps[w.Step], Partition: partition, Saga: e.Saga,
		Key: Key{partition, w.Step, w.ID}, ID: w.ID, Lane: e.Lane, Accepted: w.Accepted,
		owned: true,
	}
	switch {
	case w.Undo:
		u, err := m.readUndo(event)
		if it.Undo = u; err != nil {
			u.Problem = err.Error()
		} else {
			u.Problem = m.problem(it)
		}
	case it.Step != nil && it.Step.Role == wire.RoleBegin:
		it.Step.asStart(event)
	}
	return it, nil
}

func kindOf(kind string) ledger.Kind {
	switch kind {
	case wire.KindOpen:
		return ledger.Open
	case wire.KindWork:
		return ledger.Work
	case wire.KindHalted:
		return ledger.Halted
	case wire.KindBlocked:
		return ledger.Blocked
	case wire.KindCheckpoint:
		return ledger.Checkpoint
	}
	return 0
}
