package saga

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// verdict says what becomes of a record before any ledger is asked.
type verdict int

const (
	run     verdict = iota
	forward         // to the inbox, in the partition of its saga
	pass            // not this service's business
	refuse          // a dead letter
	command         // it isn't for a handler
	notice          // a saga is to be turned round
)

// judge reads a record. With refuse it says why in the failure.
func (m *Machine) judge(in *Incoming, now time.Time) (*Item, verdict, *Failure) {
	it := &Item{Source: in.Source, Event: in.Event, Topic: in.Topic, Partition: in.Partition, Accepted: now}
	most := m.MaxEvent
	if wire.IsInbox(in.Topic) {
		it.Topic = in.Origin
		most += m.InboxRoom
	}
	switch {
	case in.Topic == wire.Namespace("").Cancel():
		return m.judgeNotice(it, in)
	case in.Command != "":
		return m.judgeCommand(it, in)
	case in.Event.Type == wire.UndoType && it.Topic == "":
		return m.judgeUndo(it, in)
	}
	it.Step = m.Steps[it.Topic]
	it.identify(it.Topic, in)
	switch {
	case it.Step == nil:
		return it, refuse, poison("service %q has no step on topic %q", m.Service, it.Topic)
	case in.Size > most:
		return it, refuse, &Failure{Class: wire.ClassTooLarge,
			Err: fmt.Errorf("the record has %d bytes, an event may have %d", in.Size, m.MaxEvent)}
	case in.Err != nil:
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: in.Err}
	}
	return m.judgeEvent(it, in)
}

// judgeEvent judges an event that could be read, for a step that is there.
func (m *Machine) judgeEvent(it *Item, in *Incoming) (*Item, verdict, *Failure) {
	e := it.Event
	if !it.concerns() {
		return it, pass, nil
	}
	if err := wire.CheckSchema(e.DataSchema, it.Step.SchemaVersion); err != nil {
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	if it.Step.Role == wire.RoleWatch {
		return it, run, nil // it only reads along, wherever the record lies
	}
	if it.Step.Role == wire.RoleBegin {
		it.Step.asStart(e)
		if e.SagaID == "" {
			return m.adopt(it, in)
		}
	}
	switch {
	case e.SagaID == "":
	case m.Partition(e.SagaID) != it.Partition:
		return it, forward, nil
	case e.Hop > wire.MaxHop:
		return it, refuse, poison("the saga has made %d hops, %d are allowed: it goes round in a circle", e.Hop, wire.MaxHop)
	case !e.Route.IsEmpty() && e.Route.Len() > e.Hop:
		return it, refuse, poison("the routing slip has %d steps, but the saga has made %d hops: one of them is wrong", e.Route.Len(), e.Hop)
	}
	return it, run, nil
}

// concerns says whether an event is this service's business: an end topic may be shared by many workflows, and a start
// topic's saga may be another workflow's.
func (it *Item) concerns() bool {
	switch it.Step.Role {
	case wire.RoleEnd:
		return it.Event.SagaID != "" && it.Event.Workflow == it.Step.Workflow
	case wire.RoleBegin:
		return it.Event.Workflow == "" || it.Event.Workflow == it.Step.Workflow
	}
	return true
}

// adopt gives a start of a foreign producer its saga ID. It goes through the inbox, as its key and so its partition are others.
// One that can't be read begins no saga.
func (m *Machine) adopt(it *Item, in *Incoming) (*Item, verdict, *Failure) {
	e := it.Event
	if err := it.Step.Readable(e); err != nil {
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	cause := e.ID
	if e.ID != "" && e.Source != "" {
		e.SagaID = wire.AdoptedSagaID(it.Step.Workflow, e.Source, e.ID)
	} else {
		e.SagaID = wire.AdoptedSagaIDAt(it.Step.Workflow, in.TopicID, in.Partition, in.Offset)
	}
	if e.PartitionKey == "" {
		e.PartitionKey = string(in.Key)
	}
	e.ID = wire.EventID(it.ID, m.Service, it.Step.Topic, 0)
	e.CausationID, e.Source, e.Type = cause, m.source, it.Step.Topic
	if e.Time.IsZero() {
		e.Time = in.Time
	}
	if e.TraceParent == "" {
		e.TraceParent = wire.TraceParent(e.SagaID, e.ID)
	}
	whole := m.Whole(it)
	whole.Headers = append(e.Headers(), slices.DeleteFunc(wire.Foreign(whole.Headers), func(h wire.Header) bool {
		return h.Key == wire.HeaderCommand // that asked for it: it is carried out
	})...)
	return it, forward, nil
}

// judgeNotice: a notice is a hint that comes again, so what can't be read of it may be passed over.
func (m *Machine) judgeNotice(it *Item, in *Incoming) (*Item, verdict, *Failure) {
	if in.Err == nil && it.Event.Type == wire.CancelType && it.Event.SagaID != "" && m.Partition(it.Event.SagaID) == it.Partition {
		it.identify(in.Topic, in)
		return it, notice, nil
	}
	return it, pass, nil
}

func (m *Machine) judgeCommand(it *Item, in *Incoming) (*Item, verdict, *Failure) {
	it.Step = m.Steps[it.Topic]
	it.identify(it.Topic, in)
	c, err := wire.DecodeCommand([]byte(in.Command))
	if err != nil {
		it.Step = nil // a letter of its own, which halts nothing
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	if c.Saga != "" && m.Partition(c.Saga) != it.Partition {
		it.Event.SagaID = c.Saga
		return it, forward, nil
	}
	return it, command, nil
}

// judgeUndo reads a token on its way back. One that can't be read is a dead letter; one that can't be done is blocked.
func (m *Machine) judgeUndo(it *Item, in *Incoming) (*Item, verdict, *Failure) {
	e := it.Event
	u, err := m.readUndo(e)
	if err == nil {
		err = in.Err
	}
	it.Undo, it.Topic = u, u.Stop.Topic
	it.Step = m.Steps[it.Topic]
	it.identify(it.Topic, in)
	if err != nil {
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	if m.Partition(e.SagaID) != it.Partition {
		return it, forward, nil
	}
	u.Problem = m.problem(it)
	return it, run, nil
}

// readUndo always gives an Undo, with what could be read.
func (m *Machine) readUndo(e *wire.Event) (*Undo, error) {
	u := &Undo{}
	turn, err := wire.DecodeTurn(e.Payload)
	if err != nil {
		return u, err
	}
	stop, rest, ok := e.Route.Pop()
	u.Turn, u.Stop, u.Rest = turn, stop, rest
	switch {
	case e.SagaID == "":
		return u, errors.New("an undo of no saga")
	case !ok:
		return u, errors.New("the routing slip is empty: it must name the step that is to be undone, and the way home")
	}
	return u, nil
}

// problem says why an undo can't be done. What was not done must not be undone, and nothing may be skipped, so a person has to look.
func (m *Machine) problem(it *Item) string {
	u, e := it.Undo, it.Event
	home := u.Rest.IsEmpty()
	switch {
	case u.Stop.Service != m.Service:
		return fmt.Sprintf("the step is one of service %q, not of %q", u.Stop.Service, m.Service)
	case e.Route.Len() > e.Hop:
		return fmt.Sprintf("the routing slip has %d steps, but the saga has made %d hops: one of them is wrong", e.Route.Len(), e.Hop)
	case it.Step == nil:
		return fmt.Sprintf("service %q has no step on topic %q: bring it back, or undo it by hand", m.Service, it.Topic)
	case u.Stop.Effect != "" && u.Stop.Effect != e.SagaID:
		return fmt.Sprintf("the routing slip names an effect of saga %q, which isn't this saga", clip(u.Stop.Effect))
	case home && (it.Step.Role != wire.RoleBegin || it.Step.Workflow != e.Workflow):
		return fmt.Sprintf("the routing slip ends at the step on %q, which doesn't begin workflow %q: it doesn't lead home", it.Topic, e.Workflow)
	case !home && it.Step.Role == wire.RoleBegin:
		return "the routing slip names the step that begins the saga, and others before it"
	case !home && !it.Step.Compensable:
		return fmt.Sprintf("the step on %q has no Compensate: bring it back, or undo it by hand", it.Topic)
	}
	return ""
}

func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
