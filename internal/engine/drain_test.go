package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// What finishes within the drain time is committed; what doesn't is told to end, and is done after the next start.
func TestDrain(t *testing.T) { brokertest.Each(t, testDrain) }

func testDrain(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	h := newHandlers()
	soon, never := make(chan struct{}), make(chan struct{})
	quick := map[string]bool{}
	h.gate = func(_ string, e *wire.Event) <-chan struct{} {
		if quick[e.SagaID] {
			return soon
		}
		return never
	}
	for i := range 10 {
		quick[sagaID(i)] = true
	}
	cfg := w.config()
	cfg.DrainTimeout = time.Second
	p := w.run(cfg, h.worker())
	sagas := w.starts("in", 20)
	h.await(t, "all handlers", func() bool { return h.now["in"] == len(sagas) })
	p.cancel() // the drain begins
	close(soon)
	w.await("out", 10) // committed before Run returns
	w.expectOnce("out", sagas[:10])
	p.stop()
	again := newHandlers()
	w.run(cfg, again.worker())
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	again.expectOneCallEach(t, 10)
}

// A handler that doesn't listen to its context can't keep Run from returning.
func TestDrainEndsAlthoughAHandlerDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 2, "in", "out")
	h := newHandlers()
	release := make(chan struct{})
	returned := make(chan struct{})
	service := h.worker()
	handle := service.Steps[0].Handle
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		defer close(returned)
		return handle(context.WithoutCancel(ctx), e)
	}
	h.gate = func(string, *wire.Event) <-chan struct{} { return release }
	cfg := w.config()
	cfg.DrainTimeout = 100 * time.Millisecond
	p := w.run(cfg, service)
	sagas := w.starts("in", 1)
	h.await(t, "the handler", func() bool { return len(h.calls) == 1 })
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("Run returned after %v", took)
	}
	close(release)
	<-returned
	again := newHandlers()
	w.run(cfg, again.worker())
	w.await("out", 1)
	w.expectOnce("out", sagas)
	again.expectOneCallEach(t, 1)
}

// A broker that is away can't keep Run from returning either, and nothing is lost by it.
func TestDrainWithoutABroker(t *testing.T) { brokertest.Each(t, testDrainWithoutBroker) }

func testDrainWithoutBroker(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	proxy := newProxy(t, b)
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	cfg := w.config()
	cfg.Connection.Brokers, cfg.DrainTimeout = []string{proxy.addr()}, 200*time.Millisecond
	p := w.run(cfg, h.worker())
	sagas := w.starts("in", 10)
	h.await(t, "all handlers", func() bool { return len(h.calls) == len(sagas) })
	proxy.Hold()
	close(open)
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("Run returned after %v", took)
	}
	proxy.Close()
	cfg.Connection.Brokers, cfg.Instance = b.Addrs, "two"
	w.run(cfg, newHandlers().worker())
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
}

// Run waits for a broker that isn't there yet, and ends when it is told to.
func TestRunWithoutABrokerEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out")
	cfg := w.config()
	cfg.Connection.Brokers = []string{"127.0.0.1:1"}
	p := w.run(cfg, newHandlers().worker())
	p.cancel()
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Error("Run did not return")
	}
}

func TestPanicHaltsItsSagaAlone(t *testing.T) { brokertest.Each(t, testPanic) }

func testPanic(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	h := newHandlers()
	service := h.worker()
	handle := service.Steps[0].Handle
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		if e.SagaID == sagaID(1) {
			var nothing map[string]int
			nothing["x"] = 1 //nolint:staticcheck // the panic is the point
		}
		return handle(ctx, e)
	}
	w.run(w.config(), service)
	sagas := w.starts("in", 3)
	w.await("out", 2)
	w.send(w.record("in", eventOf(sagas[1], "later", 2)), w.record("in", eventOf(sagas[0], "later", 2)))
	w.await("out", 3)
	letters := w.await("skald.dlq", 1)
	l := wireHeaders(letters[0])
	if len(letters) != 1 || l["dlq-class"] != "panic" || !strings.Contains(l["dlq-error"], "nil map") || !strings.Contains(l["dlq-stack"], "testPanic") ||
		l["dlq-halted"] != "true" || l["kafka_dlt-exception-stacktrace"] == "" || string(letters[0].Key) != sagas[1] {
		t.Errorf("%d letters, the first: %v", len(letters), l)
	}
	for _, r := range w.read("out") {
		if string(r.Key) == sagas[1] {
			t.Error("the halted saga went on")
		}
	}
}
