package skaldtest

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// member is the one process of a service. It does around the machine what the engine does: poll, handle, settle, commit. It is the
// machine's driver.
type member struct {
	w       *World
	name    string
	machine *saga.Machine
	steps   map[*saga.Step]*engine.Step
	ledger  *ledger.Ledger
	written int64 // records of the ledger
	inputs  []string
	read    map[string]int // records of a topic

	running map[saga.Key]*saga.Execution
	begun   []*saga.Execution // that are still to be called
}

// partition is the only one.
const partition = 0

func (w *World) join(s *skald.Service) *member {
	declared := inside.Service(s, codec{w})
	m := &member{
		w: w, name: declared.Name, steps: map[*saga.Step]*engine.Step{}, ledger: ledger.New(engine.DedupeWindow, engine.DedupeMost),
		inputs: []string{wire.Namespace("").Inbox(declared.Name), wire.Namespace("").Cancel()}, read: map[string]int{},
		running: map[saga.Key]*saga.Execution{},
	}
	byTopic := map[string]*saga.Step{}
	for i := range declared.Steps {
		st := &declared.Steps[i]
		m.steps[&st.Step], byTopic[st.Topic] = st, &st.Step
		m.inputs = append(m.inputs, st.Topic)
	}
	m.machine = saga.NewMachine(declared.Name, byTopic)
	m.machine.Partition = func(string) int32 { return partition }
	m.machine.Chance = func() float64 { return 1 } // the longest delay that there may be
	m.machine.MaxEvent, m.machine.InboxRoom = engine.MaxEvent, engine.InboxRoom
	m.machine.Whole = func(it *saga.Item) *wire.Record { return it.Source.(*wire.Record) }
	return m
}

// turn is one transaction. It is false if there was nothing to do.
func (m *member) turn() bool {
	b := m.machine.NewBatch(m, m.w.now, 0)
	worked := m.poll(b)
	b.Resume(m.ledger, engine.MostRecords)
	b.Begin()
	for len(m.begun) > 0 {
		e := m.begun[0]
		m.begun = m.begun[1:]
		m.call(e)
		b.Finished(e)
		worked = true
	}
	b.Settle()
	b.Tick(partition, m.ledger)
	if !worked && len(b.Outs) == 0 && len(m.ledger.Changes()) == 0 {
		return false
	}
	m.commit(b)
	return true
}

func (m *member) poll(b *saga.Batch) (polled bool) {
	for _, topic := range m.inputs {
		records := m.w.log.topics[topic]
		for ; m.read[topic] < len(records); m.read[topic]++ {
			r := records[m.read[topic]].Record // a copy: the machine may change it
			in := saga.Incoming{
				Topic: topic, Offset: r.Offset, Time: r.Time, Key: r.Key, Size: r.Size(), Command: r.Header(wire.HeaderCommand),
				Origin: r.Header(wire.HeaderOrigin), Source: &r,
			}
			in.Event, in.Err = wire.Parse(r.Headers, r.Value)
			b.Add(&in)
			polled = true
		}
	}
	return polled
}

// call calls a handler. The clock stands still meanwhile.
func (m *member) call(e *saga.Execution) {
	step := m.steps[e.Step]
	for calls := m.calls(); calls > 0; calls-- {
		c := engine.CallFor(e.Item, m.name, e.Attempt)
		c.Logger = slog.New(slog.DiscardHandler)
		e.Outputs, e.Err = step.Call(call.With(m.w.ctx, c), e.Item.Event, e.Item.Undo)
	}
	e.Done, e.Finished = true, m.w.now
}

func (m *member) calls() int {
	if m.w.twice {
		return 2
	}
	return 1
}

func (m *member) commit(b *saga.Batch) {
	m.tell(b)
	for i := range b.Outs {
		m.write(&b.Outs[i])
	}
	var offsets []int64
	for range m.ledger.Changes() {
		offsets = append(offsets, m.written)
		m.written++
	}
	m.ledger.Commit(offsets)
	b.Committed()
}

// due is when there is something to do.
func (m *member) due() time.Time {
	return m.machine.NextDue(m.w.now, map[int32]*ledger.Ledger{partition: m.ledger})
}

// The machine's driver.

func (m *member) Find(k saga.Key) *saga.Execution { return m.running[k] }
func (m *member) Ledger(int32) *ledger.Ledger     { return m.ledger }

func (m *member) Places(s *saga.Step) int {
	free := s.Concurrency
	for _, e := range m.begun {
		if e.Step == s {
			free--
		}
	}
	return free
}

func (m *member) Start(it *saga.Item, attempt int, now time.Time) *saga.Execution {
	e := &saga.Execution{Item: it, Key: it.Key, Step: it.Step, Attempt: attempt, Started: now}
	m.running[e.Key] = e
	m.begun = append(m.begun, e)
	return e
}

func (m *member) Forget(e *saga.Execution) {
	if m.running[e.Key] == e {
		delete(m.running, e.Key)
	}
}

func (m *member) Abandon(e *saga.Execution) {
	e.Abandoned = true
	m.Forget(e)
	m.begun = slices.DeleteFunc(m.begun, func(other *saga.Execution) bool { return other == e })
}

// classOf is what a letter would say of an error.
func classOf(err error) string {
	if f, ok := errors.AsType[*saga.Failure](err); ok {
		return f.Class
	}
	return wire.ClassFailed
}
