package engine

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// outbound is the memory of what a transaction writes: records, headers and their values. When the transaction has committed the client
// has no more use for any of it, and the next takes the same: made anew on each hop it was a quarter of what the garbage collector had
// to do. After anything else it is left to the collector, as the client may still be sending.
type outbound struct {
	records pieces[kgo.Record]
	headers pieces[kgo.RecordHeader]
	values  pieces[byte]
}

// How large pieces are, and how many wait for the next transaction: enough for a full batch of ordinary events.
const (
	recordsPiece = 64
	headersPiece = recordsPiece * wire.HeadersMost
	valuesPiece  = 64 << 10
	keepPieces   = 64
)

// record makes a record.
func (o *outbound) record() *kgo.Record {
	o.records.grow(1, recordsPiece)
	o.records.now = append(o.records.now, kgo.Record{})
	return &o.records.now[len(o.records.now)-1]
}

// setHeaders gives a record the headers of its event.
func (o *outbound) setHeaders(r *kgo.Record, e *wire.Event) {
	headers, values := &o.headers, &o.values
	headers.grow(wire.HeadersMost, headersPiece)
	values.grow(e.HeaderBytes(), valuesPiece)
	from := len(headers.now)
	headers.now, values.now = wire.AppendHeaders(headers.now, values.now, e)
	r.Headers = slices.Clip(headers.now[from:])
}

// ledger gives key and value of a ledger record.
func (o *outbound) ledger(l *wire.LedgerRecord) (key, value []byte) {
	if l.Event != nil || l.Offsets != nil { // of any size
		return []byte(l.ID), l.Encode()
	}
	v := &o.values
	v.grow(512, valuesPiece)
	from := len(v.now)
	v.now = append(v.now, l.ID...)
	middle := len(v.now)
	v.now = l.Append(v.now)
	return v.now[from:middle:middle], slices.Clip(v.now[middle:])
}

// reuse gives what is there to the next transaction.
func (o *outbound) reuse() {
	o.records.clear() // payloads
	o.headers.clear() // values, which may be of any size
	o.records.reuse(recordsPiece)
	o.headers.reuse(headersPiece)
	o.values.reuse(valuesPiece)
}

// pieces is memory that grows by the piece. What was handed out stays where it is; and who needs a little more than ever before gets one
// more piece, not twice as much.
type pieces[T any] struct {
	now   []T // the one in use
	full  [][]T
	spare [][]T
}

// grow makes room for so many more, in the piece in use or in the next, which is of the given size if it has to be made.
func (p *pieces[T]) grow(n, size int) {
	if cap(p.now)-len(p.now) >= n {
		return
	}
	if p.now != nil {
		p.full = append(p.full, p.now)
	}
	if last := len(p.spare) - 1; last >= 0 && n <= size {
		p.now, p.spare = p.spare[last], p.spare[:last]
		return
	}
	p.now = make([]T, 0, max(n, size))
}

// clear makes it forget what was put into it.
func (p *pieces[T]) clear() {
	for _, piece := range p.full {
		clear(piece)
	}
	clear(p.now)
}

// reuse makes all pieces empty. Those that aren't of the usual size, and more than are kept, are left to the collector.
func (p *pieces[T]) reuse(size int) {
	p.full = append(p.full, p.now)
	for _, piece := range p.full {
		if cap(piece) == size && len(p.spare) < keepPieces {
			p.spare = append(p.spare, piece[:0])
		}
	}
	clear(p.full)
	p.now, p.full = nil, p.full[:0]
}
