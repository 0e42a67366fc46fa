package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// Work in the ledger may wait for a day. The batch that it was fetched in must not wait with it, also while a handler runs.
func TestWhatIsParkedKeepsNoBatch(t *testing.T) { brokertest.Each(t, testParkedMemory) }

func testParkedMemory(t *testing.T, b brokertest.Broker) {
	w := newWorld(t, b, 1, "in", "out")
	service := newHandlers().worker()
	waits, fails := sagaID(0), sagaID(1)
	open := make(chan struct{})
	release := sync.OnceFunc(func() { close(open) })
	freed := make(chan string, 2)
	service.Steps[0].Retry.Attempts = 2
	service.Steps[0].Handle = func(_ context.Context, e *wire.Event) ([]engine.Output, error) {
		if e.Attempt == 0 {
			runtime.AddCleanup(&e.Payload[0], func(saga string) { freed <- saga }, e.SagaID)
		}
		if e.SagaID == waits {
			<-open
			return []engine.Output{{Topic: "out", Payload: []byte("1")}}, nil
		}
		return nil, &engine.Failure{Class: wire.ClassFailed, After: time.Hour, Err: errors.New("not today")}
	}
	w.run(w.config(), service)
	defer release()
	w.send(w.record("in", eventOf(waits, "waits", 0)), w.record("in", eventOf(fails, "fails", 0)))
	w.awaitLedger("worker", "both to be parked", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindWork) >= 2
	})
	ctx, cancel := testContext(t)
	defer cancel()
	for left := map[string]bool{waits: true, fails: true}; len(left) > 0; {
		runtime.GC()
		select {
		case saga := <-freed:
			delete(left, saga)
		case <-ctx.Done():
			t.Fatalf("what was fetched is kept: waiting saga %v, failed saga %v", left[waits], left[fails])
		default:
		}
	}
	release()
	w.await("out", 1)
}

// BenchmarkParked measures what stays in memory for an event that waits in the ledger, when one in twenty of a topic's does. The event
// has a payload of 1 KiB. What stays when none waits, the broker's log above all, is taken off.
func BenchmarkParked(b *testing.B) {
	const events, every = 20_000, 20
	var parked int64
	for b.Loop() {
		parked += afterEvents(b, events, every) - afterEvents(b, events, events+1)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(parked)/float64(b.N)/float64(events/every-1), "bytes/parked")
}

// afterEvents gives what a service and its broker have on the heap after so many events, of which one in every waits.
func afterEvents(b *testing.B, events, every int) int64 {
	b.Helper()
	before := heapInUse()
	w := newWorld(b, brokertest.Embedded(b), 4, "in")
	service := engine.Service{Name: "worker", Steps: []engine.Step{newHandlers().step("in", "")}}
	service.Steps[0].Retry.Attempts = 2
	service.Steps[0].Handle = func(_ context.Context, e *wire.Event) ([]engine.Output, error) {
		if e.Subject == "" {
			return nil, nil
		}
		return nil, &engine.Failure{Class: wire.ClassFailed, After: time.Hour, Err: errors.New("not today")}
	}
	defer w.run(w.config(), service).stop()
	var records []*kgo.Record
	payload := bytes.Repeat([]byte("0123456789abcdef"), 64)
	for i := 1; i < events; i++ {
		e := eventOf(sagaID(i), fmt.Sprint(i), 1)
		e.Payload = payload
		if i%every == 0 {
			e.Subject = "waits"
		}
		records = append(records, w.record("in", e))
	}
	w.send(records...)
	w.until("all to be committed", func(context.Context) bool {
		var at int64
		for n := range w.n {
			at += w.committed("worker", w.ns.Topic("in"), n)
		}
		return at >= int64(events-1)
	})
	return heapInUse() - before
}

// heapInUse is what the collector leaves.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what lay in pools is gone after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
