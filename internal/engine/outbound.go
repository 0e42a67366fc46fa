package engine

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// outbound is the memory of what a transaction writes: records, headers and their values, each in one piece. When the transaction has
// committed the client has no more use for any of it, and the next takes the same: made anew on each hop it was a quarter of
// what the garbage collector had to do. After anything else it is left to the collector, as the client may still be sending.
type outbound struct {
	records []kgo.Record
	headers []kgo.RecordHeader
	values  []byte
}

// keepBytes bounds how much memory for values waits for the next transaction: a full batch of ordinary events.
const keepBytes = 4 << 20

// record makes a record.
func (o *outbound) record() *kgo.Record {
	if len(o.records) == cap(o.records) {
		o.records = make([]kgo.Record, 0, max(64, 2*cap(o.records)))
	}
	o.records = append(o.records, kgo.Record{})
	return &o.records[len(o.records)-1]
}

// setHeaders gives a record the headers of its event.
func (o *outbound) setHeaders(r *kgo.Record, e *wire.Event) {
	if cap(o.headers)-len(o.headers) < wire.HeadersMost {
		o.headers = make([]kgo.RecordHeader, 0, max(64*wire.HeadersMost, 2*cap(o.headers)))
	}
	o.grow(e.HeaderBytes())
	from := len(o.headers)
	o.headers, o.values = wire.AppendHeaders(o.headers, o.values, e)
	r.Headers = slices.Clip(o.headers[from:])
}

// ledger gives key and value of a ledger record.
func (o *outbound) ledger(l *wire.LedgerRecord) (key, value []byte) {
	if l.Event != nil || l.Offsets != nil { // of any size
		return []byte(l.ID), l.Encode()
	}
	o.grow(512)
	from := len(o.values)
	o.values = append(o.values, l.ID...)
	middle := len(o.values)
	o.values = l.Append(o.values)
	return o.values[from:middle:middle], slices.Clip(o.values[middle:])
}

// grow makes room for so many values. What is there stays where it is.
func (o *outbound) grow(n int) {
	if cap(o.values)-len(o.values) < n {
		o.values = make([]byte, 0, max(64<<10, n, min(keepBytes, 2*cap(o.values))))
	}
}

// reuse gives what is there to the next transaction.
func (o *outbound) reuse() {
	if cap(o.values) > keepBytes {
		o.values = nil
	}
	clear(o.records) // payloads
	o.records, o.headers, o.values = o.records[:0], o.headers[:0], o.values[:0]
}
