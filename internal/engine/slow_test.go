package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

func TestSlowSagaDelaysNobody(t *testing.T) { brokertest.Each(t, testSlowSaga) }

func testSlowSaga(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	sagas := []string{sagaID(0), sagaID(1)}
	h.gate = func(_ string, e *wire.Event) <-chan struct{} {
		if e.SagaID == sagas[0] {
			return open
		}
		return nil
	}
	w.run(w.config(), h.worker())
	w.starts("in", 1)
	h.await(t, "the slow handler", func() bool { return len(h.calls) == 1 })
	w.send(w.record("in", eventOf(sagas[1], "quick", 0)))
	w.await("out", 1) // although the slow one is still at it
	w.until("offsets to move past the slow one", func(ctx context.Context) bool {
		return w.committed("worker", w.ns.Topic("in"), 0) == 2
	})
	w.expectOnce("out", sagas[1:])
	close(open)
	w.await("out", 2)
	w.expectOnce("out", sagas)
}

func TestEventsOfOneSagaAreHandledOneAtATimeInOrder(t *testing.T) {
	brokertest.Each(t, testOneAtATime)
}

func testOneAtATime(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	h := newHandlers()
	gates := make(chan struct{}, 1) // lets one handler through at a time
	h.gate = func(string, *wire.Event) <-chan struct{} { return gates }
	w.run(w.config(), h.worker())
	const sagas, events = 5, 10
	var want [sagas][]string
	for i := range events {
		for s := range sagas {
			name := fmt.Sprint("saga ", s, " event ", i)
			w.send(w.record("in", eventOf(sagaID(s), name, 1)))
			want[s] = append(want[s], fmt.Sprintf("%q", name))
		}
		if i == 0 { // the others come in later batches
			w.awaitLedger("worker", "the first of each saga to be parked", func(all []wire.LedgerRecord) bool {
				return countLedger(all, wire.OpPut, wire.KindWork) == sagas
			})
		}
	}
	for range sagas * events {
		select {
		case gates <- struct{}{}:
		case <-time.After(testTimeout):
			t.Fatal("no handler waits")
		}
	}
	var got [sagas][]string
	for _, r := range w.await("out", sagas*events) {
		for s := range sagas {
			if string(r.Key) == sagaID(s) {
				got[s] = append(got[s], string(r.Value))
			}
		}
	}
	for s := range sagas {
		if !slices.Equal(got[s], want[s]) {
			t.Errorf("saga %d: got %v", s, got[s])
		}
	}
	if h.overlap {
		t.Error("handlers of one saga ran at a time")
	}
}

func TestConcurrencyIsBoundedPerStep(t *testing.T) { brokertest.Each(t, testConcurrency) }

func testConcurrency(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out", "other")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "in" {
			return open
		}
		return nil
	}
	service := h.worker()
	service.Steps[0].Concurrency = 3
	service.Steps = append(service.Steps, h.step("other", "out"))
	w.run(w.config(), service)
	sagas := w.starts("in", 100)
	h.await(t, "three handlers", func() bool { return h.now["in"] == 3 })
	w.awaitLedger("worker", "all to be parked", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas)
	})
	w.send(w.record("other", eventOf(sagas[0], "of another step", 1))) // queues behind, or runs: it has places of its own
	close(open)
	w.await("out", len(sagas)+1)
	if h.most["in"] != 3 {
		t.Errorf("%d handlers ran at a time, want 3", h.most["in"])
	}
}

// A step with few places must not pay for a turn of the loop, or for the ledger, with each handler.
func TestFewPlacesAreUsedAgainWithinABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out")
	h := newHandlers()
	service := h.worker()
	service.Steps[0].Concurrency = 1
	sagas := w.starts("in", 200)
	cfg := w.config()
	cfg.Hold = time.Hour // on a busy machine, quick is relative
	w.run(cfg, service)
	w.await("out", len(sagas))
	if n := countLedger(w.ledger("worker"), wire.OpPut, wire.KindWork); n > 0 {
		t.Errorf("%d of %d quick handlers went through the ledger", n, len(sagas))
	}
	if h.most["in"] != 1 {
		t.Errorf("%d handlers ran at a time, want 1", h.most["in"])
	}
}

// Work that was parked for want of a place gets the place as soon as it is free, not when the loop next wakes by itself.
func TestParkedWorkGetsThePlaceThatIsFreed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out")
	h := newHandlers()
	gates := make(chan struct{}, 1)
	h.gate = func(string, *wire.Event) <-chan struct{} { return gates }
	service := h.worker()
	service.Steps[0].Concurrency = 1
	const n = 60 // with a wait of idlePoll for each it would take longer than any test waits
	w.starts("in", n)
	w.run(w.config(), service)
	w.awaitLedger("worker", "all to be parked", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == n })
	for range n {
		select {
		case gates <- struct{}{}:
		case <-time.After(testTimeout):
			t.Fatal("no handler waits")
		}
	}
	w.await("out", n)
}

// An event that queued behind another of its saga runs as soon as that is committed, not when the loop next wakes by itself.
func TestQueuedEventRunsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out")
	h := newHandlers()
	gates := make(chan struct{}, 1)
	h.gate = func(string, *wire.Event) <-chan struct{} { return gates }
	w.run(w.config(), h.worker())
	const n = 4
	for i := range n {
		w.send(w.record("in", eventOf(sagaID(0), fmt.Sprint(i), 1)))
	}
	w.awaitLedger("worker", "all to be parked", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == n })
	began := time.Now()
	for range n {
		gates <- struct{}{}
	}
	w.readUntil("out", "all outputs", func(all []*kgo.Record) bool { return len(all) == n })
	if took := time.Since(began); took > time.Second {
		t.Errorf("%d queued events took %v", n, took)
	}
}
