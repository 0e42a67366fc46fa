package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// BenchmarkRestore measures how long the owner of 100,000 ledger entries takes from its start to the first handler of an event that waited, and
// the same with an empty ledger: what lies between is the restoring.
func BenchmarkRestore(b *testing.B) {
	const entries = 100_000
	for name, broker := range map[string]func(testing.TB) brokertest.Broker{"embedded": brokertest.Embedded, "apache": brokertest.Apache} {
		for _, kind := range []string{wire.KindOpen, wire.KindWork} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				empty := newWorld(b, broker(b), 4, "in", "out", "skald.worker.ledger")
				full := newWorld(b, broker(b), 4, "in", "out", "skald.worker.ledger")
				full.fillLedger(kind, entries)
				var without, with time.Duration
				for b.Loop() {
					without += empty.timeToHandle(b)
					with += full.timeToHandle(b)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(without.Milliseconds())/float64(b.N), "empty-ms")
				b.ReportMetric(float64(with.Milliseconds())/float64(b.N), "full-ms")
			})
		}
	}
}

// fillLedger writes live entries: open sagas, or work that is due in an hour.
func (w *world) fillLedger(kind string, entries int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var records []*kgo.Record
	for i := range entries {
		e := eventOf(sagaID(i), fmt.Sprint("of saga ", i), 1)
		l := wire.LedgerRecord{Op: wire.OpPut, Kind: kind, ID: e.SagaID, Saga: e.SagaID, Workflow: "w", Accepted: time.Now(), Due: time.Now().Add(time.Hour)}
		if kind == wire.KindWork {
			l.ID, l.Step, l.Order = e.ID, "in", 1
			l.Event = &wire.Record{Topic: "in", Key: []byte(e.SagaID), Headers: e.Headers(), Value: make([]byte, 200), Time: time.Now()}
		}
		records = append(records, &kgo.Record{Topic: w.ns.Ledger("worker"), Partition: w.partition(e.SagaID), Key: []byte(l.ID), Value: l.Encode()})
	}
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// timeToHandle is from a service's start to its first handler, for an event that waited for it.
func (w *world) timeToHandle(b *testing.B) time.Duration {
	b.Helper()
	handled := make(chan time.Time, 1)
	cfg := w.config()
	cfg.MaxOpenSagas, cfg.MaxUnfinished = 1_000_000, 1_000_000
	service := newHandlers().worker()
	handle := service.Steps[0].Handle
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		select {
		case handled <- time.Now():
		default:
		}
		return handle(ctx, e)
	}
	w.send(w.record("in", eventOf(uuid.NewString(), "first", 1)))
	began := time.Now()
	p := w.run(cfg, service)
	defer p.stop()
	select {
	case at := <-handled:
		return at.Sub(began)
	case <-time.After(time.Minute):
		b.Fatal("nothing was handled")
		return 0
	}
}
