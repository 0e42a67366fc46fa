package saga

import (
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// Batch is what one transaction is made of: polled records and finished background work on the one hand, records to write
// and ledger changes on the other. Give it to Committed or Aborted when the transaction has ended.
type Batch struct {
	m     *Machine
	d     Driver
	now   time.Time
	lanes map[laneKey]*lane
	order []*lane
	queue map[*Step][]*lane // lanes whose first item waits for a place of its step

	Open    int // handlers that the batch waits for
	Waiting int // items in lanes whose handlers haven't begun

	Outs      []Out
	Concluded []*Execution // their results are in this batch
	Parked    int          // items whose handlers weren't done in time
	Passed    int          // polled records that are none of the service's business
	Outages   []Outage     // that began or ended
	Blocked   []*Item      // undos that a person has to look at

	parked []*Item
	moved  []moved
	claims map[claim]owner // who has an event ID

	laneRoom  room[lane]
	eventRoom room[wire.Event]
	slipRoom  []byte // the routing slips of its events

	commands []ordered
	notices  []*Item
}

// ordered is a command, with what it is about.
type ordered struct {
	command wire.Command
	item    *Item
	in      Incoming
}

// moved is an item whose entry was put in another's place.
type moved struct {
	item *Item
	was  *ledger.Entry
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
	waiting []*Item
	running *Execution
	first   [1]*Item // room for the one that most lanes have
}

// Now is the batch's point in time.
func (b *Batch) Now() time.Time { return b.now }

// Add takes a polled record in. Nothing of in is kept but what it points to.
func (b *Batch) Add(in *Incoming) {
	it, verdict, why := b.m.judge(in, b.now)
	if err := b.m.Refused[it.Key]; err != nil && verdict == forward {
		verdict, why = refuse, &Failure{Class: wire.ClassTooLarge, Err: err}
	}
	switch verdict {
	case pass:
		b.Passed++
	case forward:
		b.forward(it)
	case refuse:
		b.refuse(it, why)
	case command:
		c, _ := wire.DecodeCommand([]byte(in.Command)) // judge has read it
		b.commands = append(b.commands, ordered{c, it, *in})
	case notice:
		b.notices = append(b.notices, it)
	case run:
		if !b.claim(it) {
			b.letter(it, poison("event ID %s is that of another saga's or step's event here: give each event an ID of its own", it.ID), 0, "", false)
			return
		}
		b.enqueue(it)
	}
}

func (b *Batch) forward(it *Item) {
	partition := it.Partition
	if it.Event.SagaID != "" {
		partition = b.m.Partition(it.Event.SagaID)
	}
	b.Outs = append(b.Outs, Out{Kind: Forward, Item: it, Partition: partition})
}

func (b *Batch) enqueue(it *Item) {
	key := laneKey{it.Partition, it.Lane}
	ln := b.lanes[key]
	if ln == nil {
		ln = b.laneRoom.next()
		ln.waiting = ln.first[:0]
		b.lanes[key] = ln
		b.order = append(b.order, ln)
	}
	ln.waiting = append(ln.waiting, it)
	b.Waiting++
}

// claim takes an item's event ID for its lane and step. It is false when another has it: an ID that isn't unique must not make one
// saga's event pass for another's.
func (b *Batch) claim(it *Item) bool {
	who := owner{it.Lane, it.Topic}
	if e := b.d.Ledger(it.Partition).Entry(it.ID); e != nil && (owner{e.Lane, e.Step}) != who {
		return false
	}
	key := claim{it.Partition, it.ID}
	if other, taken := b.claims[key]; taken && other != who {
		return false
	}
	b.claims[key] = who
	return true
}

// Begin starts what may start. Batch.Open says for how many handlers there is to wait.
func (b *Batch) Begin() {
	for _, ln := range b.order {
		b.advance(ln)
	}
}

// advance starts the first item of a lane if it may run, and goes through those that need no handler.
func (b *Batch) advance(ln *lane) {
	for ln.running == nil && len(ln.waiting) > 0 {
		it := ln.waiting[0]
		l := b.d.Ledger(it.Partition)
		if l.Busy(it.Lane) && (it.Undo == nil || !b.makeWay(it, l)) {
			return // behind earlier work: Settle queues it
		}
		if b.settled(it, l) {
			b.shift(ln)
			continue
		}
		if e := b.d.Find(it.Key); e != nil { // of before an abort or a rebalance
			if e.concludedIn == b { // the same event twice in one batch
				b.note(it, "duplicate: the event was handled just before")
				b.shift(ln)
				continue
			}
			e.Item = it
			b.shift(ln)
			ln.running = e
			b.Open++
			if e.Done {
				b.Finished(e)
			}
			continue
		}
		if b.places(it.Step) <= 0 {
			b.queue[it.Step] = append(b.queue[it.Step], ln)
			return
		}
		b.shift(ln)
		ln.running = b.start(it, 1)
		b.Open++
	}
}

// shift takes the first item from a lane.
func (b *Batch) shift(ln *lane) {
	ln.waiting = ln.waiting[1:]
	b.Waiting--
}

func (b *Batch) start(it *Item, attempt int) *Execution {
	e := b.d.Start(it, attempt, b.now)
	if o := b.m.outages[it.Step]; o != nil {
		o.probe = e
	}
	return e
}

// settled deals with an item for which no handler is to run, if it is one.
func (b *Batch) settled(it *Item, l *ledger.Ledger) bool {
	if it.Undo != nil {
		return b.undoSettled(it, l)
	}
	if reason := b.idle(it, l); reason != "" {
		b.note(it, reason)
		b.finishEntry(it, l)
		return true
	}
	if turn, ok := l.TurnOf(it.Saga); ok && b.d.Find(it.Key) == nil {
		// The token has come home, or was here when the saga was cancelled. A handler that has begun comes first.
		return b.turn(it, nil, wire.Turn{Outcome: turn.Outcome, Reason: turn.Reason})
	}
	return false
}

// idle says why an item is not to be handled, if so. A start that lies in the ledger has begun its saga itself.
func (b *Batch) idle(it *Item, l *ledger.Ledger) string {
	switch it.Step.Role {
	case wire.RoleBegin:
		if it.Entry == nil && (l.IsOpen(it.Saga) || l.WasClosed(it.Saga, b.now)) {
			return "duplicate start: the saga was begun before"
		}
	case wire.RoleEnd:
		if !l.IsOpen(it.Saga) {
			return "late: the saga is not open here"
		}
	}
	return ""
}

// finishEntry takes an item from the ledger, if it lies there.
func (b *Batch) finishEntry(it *Item, l *ledger.Ledger) {
	if it.Entry == nil {
		return
	}
	l.GiveBack(it.Entry) // no handler runs: should the transaction abort, it must be given out again
	l.Finish(it.Entry)
}

// Finished takes the result of a handler that this batch, or an earlier one, began.
func (b *Batch) Finished(e *Execution) {
	it := e.Item
	if e.concludedIn == b {
		return // work from the ledger whose result was waiting is told of twice after an abort
	}
	if it.Entry == nil { // begun in this batch
		ln := b.lanes[laneKey{it.Partition, it.Lane}]
		if ln == nil || ln.running != e {
			return // its transaction was aborted, and its record hasn't been polled again yet
		}
		ln.running = nil
		b.Open--
		b.conclude(e)
		b.advance(ln)
	} else if l := b.d.Ledger(it.Partition); l != nil && l.Entry(it.ID) == it.Entry {
		b.conclude(e)
	}
	b.admit(e.Step)
}

// admit lets the lanes that wait for a place of a step have those that are free.
func (b *Batch) admit(step *Step) {
	for len(b.queue[step]) > 0 && b.places(step) > 0 {
		ln := b.queue[step][0]
		b.queue[step] = b.queue[step][1:]
		b.advance(ln)
	}
}

// Settle parks what hasn't finished and carries out commands. No result may be told after it, and Tick of each ledger comes last.
func (b *Batch) Settle() {
	for _, ln := range b.order {
		if e := ln.running; e != nil {
			b.park(e.Item, e)
		}
		for _, it := range ln.waiting {
			b.park(it, nil)
		}
	}
	for i := range b.commands {
		b.obey(&b.commands[i])
	}
	for _, it := range b.notices {
		b.heed(it)
	}
}

// Tick does what time has brought to a partition's ledger.
func (b *Batch) Tick(partition int32, l *ledger.Ledger) {
	b.passDeadlines(partition, l)
	b.ask(partition, l)
}

// park writes to the ledger what hasn't finished: offsets move on, and a slow saga delays nobody.
func (b *Batch) park(it *Item, e *Execution) {
	l := b.d.Ledger(it.Partition)
	if l.Entry(it.ID) != nil {
		b.note(it, "duplicate: the event is being handled")
		return
	}
	if it.Undo == nil {
		if reason := b.idle(it, l); reason != "" {
			b.note(it, reason)
			return
		}
		b.openSaga(it, l)
	}
	entry := it.fresh()
	if e != nil {
		entry.Started, entry.Attempt = e.Started, e.Attempt
	}
	it.Entry = l.Park(entry, e != nil)
	b.parked = append(b.parked, it)
	b.Parked++
}

// fresh is the ledger entry of an item.
func (it *Item) fresh() ledger.Entry {
	return ledger.Entry{ID: it.ID, Lane: it.Lane, Saga: it.Saga, Step: it.Topic, Accepted: it.Accepted, Data: it}
}

// openSaga notes that a saga begins here, if it does and hasn't yet.
func (b *Batch) openSaga(it *Item, l *ledger.Ledger) {
	if it.Step == nil || it.Step.Role != wire.RoleBegin || it.Undo != nil || l.IsOpen(it.Saga) {
		return
	}
	var deadline time.Time
	if it.Step.Deadline > 0 {
		deadline = it.Accepted.Add(it.Step.Deadline)
	}
	l.Open(it.Saga, it.Step.Workflow, it.Accepted, deadline)
}

// Committed is told when the transaction has committed, after the ledgers.
func (b *Batch) Committed() {
	for _, it := range b.parked {
		b.m.own(it)
	}
	for _, m := range b.moved {
		b.m.own(m.item)
	}
	for _, e := range b.Concluded {
		e.concludedIn = nil // what still knows the execution must not keep the whole batch
		b.d.Forget(e)
	}
}

// Aborted is told when the transaction has aborted, after the ledgers. Polled records will come again and join what their handlers
// returned. It gives the executions of work from the ledger: their results have to be told to a later batch.
func (b *Batch) Aborted() (again []*Execution) {
	for _, m := range slices.Backward(b.moved) {
		m.item.Entry = m.was
	}
	for _, it := range b.parked {
		it.Entry = nil
	}
	for _, e := range b.Concluded {
		e.concludedIn = nil
		if e.Item.Entry != nil {
			again = append(again, e)
		}
	}
	return again
}
