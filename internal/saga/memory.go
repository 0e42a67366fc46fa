package saga

import (
	"time"
)

// NewBatch makes a batch for so many polled records, of the memory of the last one if that was given to Reuse.
func (m *Machine) NewBatch(d Driver, now time.Time, records int) *Batch {
	b := m.spare
	m.spare = nil
	if b == nil {
		b = &Batch{lanes: make(map[laneKey]*lane, records), queue: map[*Step][]*lane{}, claims: make(map[claim]owner, records)}
	}
	if cap(b.Outs) < records {
		b.Outs = make([]Out, 0, records)
		b.Concluded, b.order = make([]*Execution, 0, records), make([]*lane, 0, records)
	}
	b.laneRoom.grow(records)
	b.eventRoom.grow(records)
	b.m, b.d, b.now = m, d, now
	return b
}

// Reuse gives the batch's memory to the next one: half of what a hop allocated besides its record was that. Nothing of the batch may
// be looked at any more, the events of its Outs included.
func (b *Batch) Reuse() {
	clear(b.lanes)
	clear(b.queue)
	clear(b.claims)
	clear(b.Outs)
	clear(b.Concluded)
	clear(b.order)
	b.laneRoom.clear()
	b.eventRoom.clear()
	spare := &Batch{
		lanes: b.lanes, queue: b.queue, claims: b.claims, Outs: b.Outs[:0], Concluded: b.Concluded[:0], order: b.order[:0],
		laneRoom: b.laneRoom, eventRoom: b.eventRoom,
	}
	if cap(b.slipRoom) <= keepSlips {
		spare.slipRoom = b.slipRoom[:0]
	}
	b.m.spare = spare
	*b = Batch{}
}

// keepSlips bounds how many bytes of routing slips are kept for the next batch: a full one of ordinary slips.
const keepSlips = 4 << 20

// room hands out values that lie side by side.
type room[T any] struct{ all []T }

func (r *room[T]) next() *T {
	if len(r.all) == cap(r.all) {
		r.all = make([]T, 0, max(16, 2*cap(r.all))) // what was handed out stays where it is
	}
	r.all = r.all[:len(r.all)+1]
	return &r.all[len(r.all)-1]
}

func (r *room[T]) grow(n int) {
	if cap(r.all) < n {
		r.all = make([]T, 0, n)
	}
}

func (r *room[T]) clear() {
	clear(r.all)
	r.all = r.all[:0]
}
