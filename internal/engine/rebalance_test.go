package engine_test

import (
	"context"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// A handler that runs when its partition stays with the process over a rebalance goes on, and its result counts.
func TestHandlerGoesOnOverARebalance(t *testing.T) { brokertest.Each(t, testHandlerGoesOn) }

func testHandlerGoesOn(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	open := make(chan struct{})
	first, second := newHandlers(), newHandlers()
	first.gate = func(string, *wire.Event) <-chan struct{} { return open }
	second.gate = first.gate
	cfg := w.config()
	w.run(cfg, first.worker())
	sagas := w.starts("in", 20)
	first.await(t, "all handlers", func() bool { return len(first.calls) == len(sagas) })

	cfg.Instance = "two"
	w.run(cfg, second.worker())
	w.members("worker", 2)
	second.await(t, "the handlers of the partition that moved", func() bool { return len(second.calls) > 0 })
	close(open)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	first.expectOneCallEach(t, len(sagas))
	if n := len(second.calls); n == len(sagas) {
		t.Errorf("all %d handlers were called again, also those of the partition that stayed", n)
	}
}

// Two rebalances without a transaction in between: the group tells of the loss only once. What was lost by the second must not
// be finished by the former owner as well.
func TestPartitionLostByTheSecondOfTwoRebalances(t *testing.T) {
	brokertest.Each(t, testSecondOfTwoRebalances)
}

func testSecondOfTwoRebalances(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 6, "in", "out")
	open := make(chan struct{})
	hs := []*handlers{newHandlers(), newHandlers(), newHandlers()}
	for _, h := range hs {
		h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	}
	cfg := w.config()
	cfg.Instance = "one"
	few := func(h *handlers) engine.Service { // so that some work is running and some is not
		s := h.worker()
		s.Steps[0].Concurrency = 20
		return s
	}
	w.run(cfg, few(hs[0]))
	sagas := w.starts("in", 60)
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas) })
	for i, name := range []string{"two", "three"} {
		cfg.Instance = name
		w.run(cfg, few(hs[i+1]))
		w.members("worker", i+2)
		hs[i+1].await(t, "work of the new member", func() bool { return len(hs[i+1].calls) > 0 })
	}
	close(open)
	w.await("out", len(sagas))
	// Whatever a former owner still does is refused or comes at once.
	w.until("all ledgers to be empty", func(context.Context) bool {
		all := w.ledger("worker")
		return countLedger(all, wire.OpDelete, wire.KindWork) >= len(sagas)
	})
	w.expectOnce("out", sagas)
}
