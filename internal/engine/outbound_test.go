package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// However many records a transaction has, and however large they are: none writes into another, nor into those of the transaction
// before that has the same memory.
func TestOutboundKeepsRecordsApart(t *testing.T) {
	var o outbound
	for transaction := range 3 {
		var records []*kgo.Record
		var want []string
		for i := range 500 {
			name := fmt.Sprint(transaction, "/", i)
			e := &wire.Event{ID: name, Source: "/skald/x", Subject: strings.Repeat("x", i*7%5000), SagaID: wire.SagaIDFor("w", name), Hop: i}
			r := o.record()
			r.Value = []byte(name)
			o.setHeaders(r, e)
			records, want = append(records, r), append(want, describe(nil, r.Value, kafkaHeaders(e.Headers())))
			l := &wire.LedgerRecord{Op: wire.OpDelete, ID: name, Error: strings.Repeat("y", i*3%1000)}
			key, value := o.ledger(l)
			r = o.record()
			r.Key, r.Value = key, value
			records, want = append(records, r), append(want, describe([]byte(name), l.Encode(), nil))
		}
		for i, r := range records {
			if got := describe(r.Key, r.Value, r.Headers); got != want[i] {
				t.Fatalf("transaction %d, record %d:\n%s\nwant\n%s", transaction, i, got, want[i])
			}
		}
		o.reuse()
	}
}

func describe(key, value []byte, headers []kgo.RecordHeader) string {
	return fmt.Sprintf("%s: %s %s", key, value, headers)
}
