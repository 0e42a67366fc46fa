package engine

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// batch is what one transaction is made of: polled records and finished background work on the one hand, records to write
// and ledger changes on the other.
type batch struct {
	s     *Session
	now   time.Time
	lanes map[laneKey]*lane
	spare []lane
	open  int               // lanes whose first item's handler runs
	queue map[*Step][]*lane // lanes whose first item waits for a place of its step

	waiting int // items in lanes whose handlers haven't begun

	outputs    []output
	concluded  []*execution // their results are in this batch
	polled     map[int32]map[string]int64
	passedOver []*kgo.ErrDecompressTooLarge
	parked     []*item
	changes    []changeOf
	faults     []fault
	claims     map[claim]owner // who has an event ID
	committed  []func()
}

// claim is an event ID in a partition: an entry of its ledger is known by it.
type claim struct {
	partition int32
	id        string
}

type owner struct{ lane, topic string }

type laneKey struct {
	partition int32
	name      string
}

// lane holds a batch's items of one saga. Only the first may run, so that a saga's events are handled one at a time, in order.
type lane struct {
	waiting []*item
	running *execution
	first   [1]*item // room for the one that most lanes have
}

// output is a record to write, and what it came of: a record that the broker refuses for what it is counts against that alone.
type output struct {
	record *kgo.Record
	origin *execution // nil for what no handler made
	item   *item      // of a forward
	letter *wire.Letter
}

// newBatch makes a batch for so many polled records.
func (s *Session) newBatch(now time.Time, records int) *batch {
	return &batch{
		s: s, now: now, lanes: make(map[laneKey]*lane, records), queue: map[*Step][]*lane{}, polled: map[int32]map[string]int64{},
		claims: make(map[claim]owner, records), outputs: make([]output, 0, records), concluded: make([]*execution, 0, records),
		spare: make([]lane, records),
	}
}

// addAll takes the polled records of a partition in.
func (b *batch) addAll(records []*kgo.Record, topicID [16]byte) {
	if len(records) == 0 {
		return
	}
	for _, r := range records {
		b.add(r, topicID)
	}
	last := records[len(records)-1]
	p := b.polled[last.Partition]
	if p == nil {
		p = map[string]int64{}
		b.polled[last.Partition] = p
	}
	p[last.Topic] = last.Offset + 1
}

func (b *batch) add(r *kgo.Record, topicID [16]byte) {
	it, verdict, why := b.s.judge(r, topicID, b.now)
	if err := b.s.refused[it.key]; err != nil && verdict == forward {
		verdict, why = refuse, &Failure{Class: wire.ClassTooLarge, Err: err}
	}
	switch verdict {
	case pass:
		b.onCommit(b.s.metrics.records.passed.Inc)
	case forward:
		b.forward(it)
	case refuse:
		b.refuse(it, why)
	case run:
		if !b.claim(it) {
			b.letter(it, poison("event ID %s is that of another saga's or step's event here: give each event an ID of its own", it.id), 0, false)
			return
		}
		key := laneKey{it.partition, it.lane}
		ln := b.lanes[key]
		if ln == nil {
			ln, b.spare = &b.spare[0], b.spare[1:]
			ln.waiting = ln.first[:0]
			b.lanes[key] = ln
		}
		ln.waiting = append(ln.waiting, it)
		b.waiting++
	}
}

// claim takes an item's event ID for its lane and step. It is false when another has it: an ID that isn't unique must not make one
// saga's event pass for another's.
func (b *batch) claim(it *item) bool {
	who := owner{it.lane, it.topic}
	if e := b.s.ledgerOf(it.partition).Entry(it.id); e != nil && (owner{e.Lane, e.Step}) != who {
		return false
	}
	key := claim{it.partition, it.id}
	if other, taken := b.claims[key]; taken && other != who {
		return false
	}
	b.claims[key] = who
	return true
}

// onCommit keeps something to be told or counted for when it has really happened.
func (b *batch) onCommit(f func()) { b.committed = append(b.committed, f) }

// advance starts the first item of a lane if it may run, and goes through those that need no handler.
func (b *batch) advance(ln *lane) {
	for ln.running == nil && len(ln.waiting) > 0 {
		it := ln.waiting[0]
		l := b.s.ledgerOf(it.partition)
		if l.Busy(it.lane) {
			return // behind earlier work: parkRest queues it
		}
		if reason := b.idle(it, l); reason != "" {
			b.note(it, reason)
			b.shift(ln)
			continue
		}
		if e := b.s.executions.all[it.key]; e != nil { // of before an abort or a rebalance
			if e.concludedIn == b { // the same event twice in one batch
				b.note(it, "duplicate: the event was handled just before")
				b.shift(ln)
				continue
			}
			e.item = it
			b.shift(ln)
			ln.running = e
			b.open++
			if e.done {
				b.finish(e)
			}
			continue
		}
		if b.s.executions.places(it.step) <= 0 {
			b.queue[it.step] = append(b.queue[it.step], ln)
			return
		}
		b.shift(ln)
		ln.running = b.s.executions.start(b.s.handlerContext, it, 1, b.now)
		b.open++
	}
}

// shift takes the first item from a lane.
func (b *batch) shift(ln *lane) {
	ln.waiting = ln.waiting[1:]
	b.waiting--
}

// idle says why an item is not to be handled, if so.
func (b *batch) idle(it *item, l *ledger.Ledger) string {
	switch it.step.Role {
	case wire.RoleBegin:
		if l.IsOpen(it.saga) || l.WasClosed(it.saga, b.now) {
			return "duplicate start: the saga was begun before"
		}
	case wire.RoleEnd:
		if !l.IsOpen(it.saga) {
			return "late: the saga is not open here"
		}
	}
	return ""
}

// finish takes the result of a handler that this batch, or an earlier one, began.
func (b *batch) finish(e *execution) {
	it := e.item
	if it.entry == nil { // begun in this batch
		ln := b.lanes[laneKey{it.partition, it.lane}]
		if ln == nil || ln.running != e {
			return // its transaction was aborted, and its record hasn't been polled again yet
		}
		ln.running = nil
		b.open--
		b.conclude(e)
		b.advance(ln)
		return
	}
	if l := b.s.ledgers[it.partition]; l != nil && l.Entry(it.id) == it.entry {
		b.conclude(e)
	}
}

// collect starts what may start and waits until all is done, but no longer than the hold time.
func (b *batch) collect() {
	for _, ln := range b.lanes {
		b.advance(ln)
	}
	hold := time.NewTimer(b.s.cfg.Hold)
	defer hold.Stop()
	defer b.s.executions.ringAfter(1)
	for {
		b.takeFinished()
		if b.open == 0 {
			return
		}
		if b.waiting == 0 {
			b.s.executions.ringAfter(b.open)
		}
		select {
		case <-b.s.executions.bell:
		case <-hold.C:
			b.takeFinished() // those too few to ring the bell: a slow handler must not have the others parked with it
			return
		}
	}
}

func (b *batch) takeFinished() {
	for _, e := range b.s.executions.take() {
		b.finish(e)
		b.admit(e.step)
	}
}

// admit lets the lanes that wait for a place of a step have those that are free.
func (b *batch) admit(step *Step) {
	for b.s.executions.places(step) > 0 && len(b.queue[step]) > 0 {
		ln := b.queue[step][0]
		b.queue[step] = b.queue[step][1:]
		b.advance(ln)
	}
}

// parkRest writes to the ledger what hasn't finished: offsets move on, and a slow saga delays nobody.
func (b *batch) parkRest() {
	for _, ln := range b.lanes {
		if e := ln.running; e != nil {
			b.park(e.item, e)
		}
		for _, it := range ln.waiting {
			b.park(it, nil)
		}
	}
}

func (b *batch) park(it *item, e *execution) {
	l := b.s.ledgerOf(it.partition)
	if l.Entry(it.id) != nil {
		b.note(it, "duplicate: the event is being handled")
		return
	}
	if it.step.Role == wire.RoleBegin {
		if reason := b.idle(it, l); reason != "" {
			b.note(it, reason)
			return
		}
		b.openSaga(it)
	}
	entry := ledger.Entry{
		ID: it.id, Lane: it.lane, Saga: it.saga, Step: it.step.Topic, Accepted: it.accepted, Data: it,
	}
	if e != nil {
		entry.Started, entry.Attempt = e.started, e.attempt
	}
	it.entry = l.Park(entry, e != nil)
	b.parked = append(b.parked, it)
	b.onCommit(b.s.metrics.parked.Inc)
}

// openSaga notes that a saga begins here.
func (b *batch) openSaga(it *item) {
	var deadline time.Time
	if it.step.Deadline > 0 {
		deadline = it.accepted.Add(it.step.Deadline)
	}
	b.s.ledgerOf(it.partition).Open(it.saga, it.step.Workflow, it.accepted, deadline)
}
