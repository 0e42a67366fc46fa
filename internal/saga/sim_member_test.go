package saga_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// member is one process of a service: it does what the engine does, one phase of a transaction at a time, so that anything may happen
// in between. It is the machine's driver.
type member struct {
	w          *world
	group      *group
	slot       int
	name       string
	epoch      int
	generation int
	frozen     bool
	joined     bool // it is in the group, as far as it knows
	machine    *saga.Machine
	ledgers    map[int32]*ledger.Ledger
	assigned   []int32
	restoring  bool
	stopping   bool // it drains
	inputs     []string
	positions  map[place]int64
	running    map[saga.Key]*saga.Execution
	places     map[*saga.Step]int
	told       []*saga.Execution

	phase   phase
	batch   *saga.Batch
	txn     *txn
	changes map[int32][]*record
	polled  map[place]int64
}

type phase int

const (
	idle phase = iota
	handled
	produced
	offsetsSent
)

func (m *member) String() string { return m.name }

// start starts a process in a slot. It takes the slot's transactional ID over, which aborts what a former life left open.
func (w *world) start(g *group, slot int) {
	w.serial++
	g.epochs[slot]++
	for _, log := range w.logs {
		for _, r := range log[max(0, len(log)-200):] {
			if t := r.txn; t != nil && t.state == open && t.by.group == g && t.by.slot == slot {
				w.end(t, aborted)
			}
		}
	}
	m := &member{
		w: w, group: g, slot: slot, name: fmt.Sprintf("%s-%d.%d", g.service, slot, w.serial), epoch: g.epochs[slot],
		running: map[saga.Key]*saga.Execution{}, places: map[*saga.Step]int{}, positions: map[place]int64{}, ledgers: map[int32]*ledger.Ledger{},
	}
	steps := maps.Clone(g.steps)
	m.inputs = slices.Clone(g.inputs)
	if w.trouble(0.1) && w.serial > 10 { // an older version, which lacks a step; its topic waits
		delete(steps, topicA)
		m.inputs = slices.DeleteFunc(m.inputs, func(topic string) bool { return topic == topicA })
	}
	m.machine = saga.NewMachine(g.service, steps)
	m.machine.Partition, m.machine.Chance, m.machine.MaxEvent = w.partitionOf, w.rng.Float64, 1<<20
	m.machine.Whole = func(it *saga.Item) *wire.Record { return it.Source.(*wire.Record) }
	g.members = append(g.members, m)
	w.sayf("%s starts", m)
	g.pending = true
}

// crash kills a process. What its handlers did before that stays done.
func (w *world) crash(m *member) {
	w.sayf("%s is killed", m)
	for _, e := range m.inOrder() {
		if !e.Done && w.chance(0.5) {
			m.handle(e)
		}
	}
	m.leave()
}

// leave makes room for another process in the slot.
func (m *member) leave() {
	m.group.members = slices.DeleteFunc(m.group.members, func(x *member) bool { return x == m })
	m.w.start(m.group, m.slot)
}

// rebalance asks for one, or completes it: as soon as no member has a batch in hand, or without those that have for too long.
func (w *world) rebalance(g *group) {
	if !g.pending {
		g.pending = w.trouble(0.3)
		return
	}
	var in []*member
	for _, m := range g.members {
		if m.phase != idle || m.frozen {
			if !w.chance(0.3) {
				return
			}
			continue // it is thrown out, and doesn't know yet
		}
		in = append(in, m)
	}
	if len(in) == 0 {
		return
	}
	g.generation++
	g.pending = false
	clear(g.owner)
	for p := range w.plan.partitions {
		g.owner[p] = in[w.rng.IntN(len(in))]
	}
	for _, m := range in {
		m.generation, m.joined = g.generation, true
		m.assigned, m.restoring = nil, true
		for p := range w.plan.partitions {
			if g.owner[p] == m {
				m.assigned = append(m.assigned, p)
			}
		}
		clear(m.ledgers)
		clear(m.positions)
		for _, e := range m.inOrder() {
			if g.owner[e.Item.Partition] != m {
				m.Abandon(e)
			}
		}
	}
	w.sayf("%s: generation %d, %v", g.service, g.generation, in)
	for _, m := range g.members {
		if !slices.Contains(in, m) {
			g.pending = true // it will join anew when it notices
		}
	}
}

// act does one phase.
func (m *member) act() {
	switch {
	case m.frozen:
	case m.phase == handled:
		m.produce()
	case m.phase == produced:
		m.sendOffsets()
	case m.phase == offsetsSent:
		m.endTransaction()
	case !m.joined || m.generation != m.group.generation:
		m.group.pending = true
	case m.restoring:
		m.restore()
	default:
		m.turn()
	}
}

// restore replays the ledgers, if nothing is pending in them.
func (m *member) restore() {
	for _, p := range m.assigned {
		at := place{ledgerOf(m.group.service), p}
		if m.w.stable(at) < int64(len(m.w.logs[at])) && m.w.bug != "restore doesn't wait" {
			return
		}
		for _, other := range m.group.members {
			if t := other.txn; t != nil && t.state == open && len(t.offsets) > 0 {
				return // its offsets are about to commit: the coordinator says so
			}
		}
	}
	for _, p := range m.assigned {
		m.ledgers[p] = m.replay(p)
	}
	for _, topic := range m.inputs {
		for _, p := range m.assigned {
			at := place{topic, p}
			m.positions[at] = m.group.offsets[at]
		}
	}
	m.restoring = false
}

func (m *member) replay(p int32) *ledger.Ledger {
	l := ledger.New(dedupeWindow, 1000)
	at := place{ledgerOf(m.group.service), p}
	log := m.w.logs[at]
	for offset := m.group.offsets[at]; offset < int64(len(log)); offset++ {
		if !log[offset].isCommitted() {
			continue
		}
		r, err := wire.DecodeLedgerRecord(log[offset].Value)
		if err == nil {
			switch m.w.bug {
			case "replay forgets the order":
				r.Order = 0
			case "replay forgets what deadlines were acted on":
				r.Told = false
			case "replay forgets what is to be turned round":
				r.Outcome = ""
			}
			err = m.machine.Replay(l, p, offset, r)
		}
		if err != nil {
			m.w.judge.failf("I1", "a ledger can't be replayed: %v", err)
			return l
		}
	}
	l.ReplayEnd(int64(len(log)))
	if m.w.bug == "restore forgets the outcomes" {
		return l
	}
	for _, r := range m.w.logs[place{"skald.outcomes", p}] {
		if id := string(r.Key); r.isCommitted() && m.w.now.Sub(r.Time) < dedupeWindow {
			l.RememberClosed(ledger.SagaID(mustUUID(id)), r.Time)
		}
	}
	return l
}

// turn polls, handles and settles.
func (m *member) turn() {
	w := m.w
	now := w.now
	if w.bug == "clocks go ahead" {
		now = now.Add(time.Minute)
	}
	b := m.machine.NewBatch(m, now, 4)
	m.polled = map[place]int64{}
	for _, topic := range m.inputs {
		for _, p := range m.assigned {
			m.poll(b, place{topic, p})
		}
	}
	for _, p := range m.assigned {
		if w.bug != "work in the ledger is forgotten" {
			b.Resume(m.ledgers[p], 10)
		}
	}
	b.Begin()
	again := m.told
	m.told = nil
	for _, e := range again {
		b.Finished(e)
	}
	if m.stopping {
		m.machine.Stopping = true
		for _, e := range m.unfinished() {
			e.Err, e.Interrupted = context.Canceled, true
			m.finish(e)
			b.Finished(e)
		}
	}
	for b.Open > 0 || w.chance(0.5) {
		all := m.unfinished()
		if len(all) == 0 || w.trouble(0.3) {
			break
		}
		e := all[w.rng.IntN(len(all))]
		m.handle(e)
		m.finish(e)
		if !e.Abandoned {
			b.Finished(e)
		}
	}
	for _, e := range m.unfinished() {
		if !e.Hangs && w.trouble(0.05) {
			b.Hang(e)
		}
	}
	b.Settle()
	for _, p := range m.assigned {
		b.Tick(p, m.ledgers[p])
	}
	m.batch, m.phase = b, handled
}

func (m *member) poll(b *saga.Batch, at place) {
	end := m.w.stable(at)
	if m.w.bug == "reads what isn't committed" {
		end = int64(len(m.w.logs[at]))
	}
	for n := m.w.rng.IntN(4); n >= 0 && m.positions[at] < end; {
		r := m.w.logs[at][m.positions[at]]
		m.positions[at]++
		m.polled[at] = m.positions[at]
		if r.txn != nil && r.txn.state != committed && m.w.bug != "reads what isn't committed" {
			continue
		}
		n--
		m.w.judge.read(r)
		in := saga.Incoming{
			Topic: at.topic, Partition: at.partition, Offset: r.Offset, Time: r.Time, Key: r.Key, Size: r.Size(),
			Origin: r.Header(wire.HeaderOrigin), Command: r.Header(wire.HeaderCommand), Source: &r.Record,
		}
		in.Event, in.Err = wire.Parse(r.Headers, r.Value)
		b.Add(&in)
	}
}

// produce writes the batch's records in an open transaction.
func (m *member) produce() {
	m.txn = &txn{by: m, offsets: map[place]int64{}}
	m.changes = map[int32][]*record{}
	m.phase = produced
	if m.epoch != m.group.epochs[m.slot] {
		m.abort(true) // fenced
		return
	}
	lose := m.w.bug == "loses an output" && m.w.chance(0.02)
	for i := range m.batch.Outs {
		o := &m.batch.Outs[i]
		if lose && o.Kind == saga.Emit && !m.w.judge.isStream(o.Event.SagaID) {
			continue
		}
		r := m.recordOf(o)
		r.txn = m.txn
		m.w.append(r)
	}
	for _, p := range m.assigned {
		for _, c := range m.ledgers[p].Changes() {
			l := m.machine.Record(c)
			r := &record{Record: wire.Record{Topic: ledgerOf(m.group.service), Partition: p, Key: []byte(l.ID), Value: l.Encode()}, txn: m.txn}
			m.w.append(r)
			m.changes[p] = append(m.changes[p], r)
		}
	}
}

// sendOffsets adds the consumed offsets, which carries the group's generation.
func (m *member) sendOffsets() {
	if m.epoch != m.group.epochs[m.slot] || m.generation != m.group.generation && m.w.bug != "zombies are let in" || m.w.trouble(0.02) {
		m.abort(m.generation != m.group.generation)
		return
	}
	if m.w.bug != "offsets aren't in the transaction" || m.w.chance(0.9) {
		maps.Copy(m.txn.offsets, m.polled)
	}
	for _, p := range m.assigned {
		m.txn.offsets[place{ledgerOf(m.group.service), p}] = m.ledgers[p].Fence()
	}
	m.phase = offsetsSent
}

func (m *member) endTransaction() {
	if m.epoch != m.group.epochs[m.slot] || m.txn.state != open {
		m.abort(true)
		return
	}
	if m.w.trouble(0.03) {
		m.abort(false)
		return
	}
	m.w.end(m.txn, committed)
	for p, l := range m.ledgers {
		var offsets []int64
		for _, r := range m.changes[p] {
			offsets = append(offsets, r.Offset)
		}
		l.Commit(offsets)
	}
	m.batch.Committed()
	m.batch.Reuse()
	m.done()
	if m.stopping {
		m.w.sayf("%s has drained", m)
		m.leave()
	}
}

// abort takes everything back. A member that was fenced joins anew, with the handlers that still run in its process.
func (m *member) abort(fenced bool) {
	if m.txn.state == open {
		m.w.end(m.txn, aborted)
	}
	m.w.sayf("%s aborts", m)
	for _, l := range m.ledgers {
		l.Abort()
	}
	m.told = append(m.told, m.batch.Aborted()...)
	for at := range m.polled {
		m.positions[at] = m.group.offsets[at]
	}
	m.done()
	if fenced {
		m.group.epochs[m.slot]++
		m.epoch = m.group.epochs[m.slot]
		m.joined, m.group.pending = false, true
		clear(m.ledgers)
		m.assigned = nil
	}
}

func (m *member) done() { m.phase, m.batch, m.txn = idle, nil, nil }

// The machine's driver.

func (m *member) Find(k saga.Key) *saga.Execution       { return m.running[k] }
func (m *member) Places(s *saga.Step) int               { return s.Concurrency - m.places[s] }
func (m *member) Ledger(partition int32) *ledger.Ledger { return m.ledgers[partition] }

func (m *member) Start(it *saga.Item, attempt int, now time.Time) *saga.Execution {
	e := &saga.Execution{Item: it, Key: it.Key, Step: it.Step, Attempt: attempt, Started: now}
	if m.running[e.Key] != nil {
		m.w.judge.failf("I6", "%s starts a handler twice: %+v", m, e.Key)
	}
	m.running[e.Key] = e
	m.places[e.Step]++
	m.w.judge.started(m, e)
	return e
}

func (m *member) Forget(e *saga.Execution) {
	if m.running[e.Key] == e {
		delete(m.running, e.Key)
	}
}

// isOwner says whether the member knows all that is committed of an execution's partition.
func (m *member) isOwner(e *saga.Execution) bool {
	return m.joined && m.generation == m.group.generation && m.group.owner[e.Key.Partition] == m
}

// Abandon ends a handler's context; it may have done its work.
func (m *member) Abandon(e *saga.Execution) {
	e.Abandoned = true
	m.Forget(e)
	if !e.Done {
		if m.w.chance(0.5) {
			m.handle(e)
		}
		m.finish(e)
	}
}

func (m *member) finish(e *saga.Execution) {
	e.Done, e.Finished = true, m.w.now
	m.places[e.Step]--
}

func (m *member) inOrder() []*saga.Execution {
	all := make([]*saga.Execution, 0, len(m.running))
	for _, e := range m.running {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *saga.Execution) int {
		if a.Key.ID < b.Key.ID {
			return -1
		}
		return 1
	})
	return all
}

func (m *member) unfinished() []*saga.Execution {
	return slices.DeleteFunc(m.inOrder(), func(e *saga.Execution) bool { return e.Done })
}

// Encode makes an event's record.
func (m *member) Encode(o *saga.Out) int {
	e := o.Event
	if m.w.bug == "an undo skips a step" && e.Type == wire.UndoType && e.Route.Len() > 2 {
		_, e.Route, _ = e.Route.Pop()
		top, _, _ := e.Route.Pop()
		o.Topic = inboxOf(top.Service)
	}
	r := &record{Record: wire.Record{Topic: o.Topic, Partition: o.Partition, Key: []byte(e.SagaID), Headers: e.Headers(), Value: e.Payload}}
	o.Record = r
	return r.Size()
}

func (m *member) recordOf(o *saga.Out) *record {
	switch o.Kind {
	case saga.Emit:
		r := *o.Record.(*record)
		return &r
	case saga.Letter:
		l := &wire.Letter{
			ID: o.ID, Event: o.Item.ID, Service: m.group.service, Step: o.Item.Topic, Record: *m.machine.Whole(o.Item), Attempts: o.Attempts,
			Class: o.Failure.Class, Error: o.Failure.Error(), Time: m.w.now, Halted: o.Halted, Bound: 1 << 20,
		}
		return &record{Record: wire.Record{Topic: "skald.dlq", Partition: o.Partition, Key: l.Record.Key, Headers: l.Headers(), Value: l.Value()}}
	case saga.Forward:
		r := *m.machine.Whole(o.Item)
		r.Topic, r.Partition, r.Key = inboxOf(m.group.service), o.Partition, []byte(o.Item.Event.SagaID)
		if o.Item.Topic != "" && o.Item.Undo == nil {
			r.Headers = append(slices.Clone(r.Headers), wire.Header{Key: wire.HeaderOrigin, Value: []byte(o.Item.Topic)})
		}
		return &record{Record: r}
	}
	return &record{Record: wire.Record{Topic: ledgerOf(m.group.service), Partition: o.Partition, Key: []byte(o.Note.ID), Value: o.Note.Encode()}}
}

var errTest = errors.New("on purpose")
