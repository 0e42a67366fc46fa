package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// log gives the first and the next offset of a ledger's only partition.
func (w *world) log(service string) (start, end int64) {
	w.t.Helper()
	ctx, cancel := testContext(w.t)
	defer cancel()
	topic := w.ns.Ledger(service)
	admin := kadm.NewClient(w.client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	s, _ := starts.Lookup(topic, 0)
	e, _ := ends.Lookup(topic, 0)
	return s.Offset, e.Offset
}

func trimming(cfg engine.Config) engine.Config {
	cfg.Upkeep.TrimEvery, cfg.Upkeep.TrimAtLeast, cfg.Upkeep.CheckpointEvery = 10*time.Millisecond, 100, 50*time.Millisecond
	return cfg
}

func TestLedgerIsTrimmed(t *testing.T) { brokertest.Each(t, testTrim) }

func testTrim(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "start", "middle", "end")
	h := newHandlers()
	cfg := trimming(w.config())
	p := w.run(cfg, everything(h))
	sagas := w.starts("start", 1000)
	w.await("skald.outcomes", len(sagas))
	var start, end int64
	w.until("the log to be trimmed", func(context.Context) bool {
		start, end = w.log("initiator")
		return end >= int64(2*len(sagas)) && end-start <= 200
	})
	p.stop()
	w.run(cfg, everything(h)) // a trimmed log is a good one
	more := w.moreStarts("start", 1000, 1010)
	w.await("skald.outcomes", len(sagas)+len(more))
	w.expectOnce("skald.outcomes", append(sagas, more...))
}

// Old entries that still live are written again at the head of the log, so that they don't hold it back, and are not lost.
func TestOldEntriesDoNotHoldTheLog(t *testing.T) { brokertest.Each(t, testRewrite) }

func testRewrite(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "start", "middle", "end", "other", "out")
	open := make(chan struct{})
	service := func(h *handlers) engine.Service {
		s := everything(h)
		fails := h.step("other", "out")
		fails.Handle = func(context.Context, *wire.Event) ([]engine.Output, error) { return nil, errTest }
		s.Steps = append(s.Steps, fails)
		return s
	}
	old := []string{sagaID("old 0"), sagaID("old 1"), sagaID("old 2")}
	h := newHandlers()
	h.gate = func(topic string, e *wire.Event) <-chan struct{} {
		if topic == "middle" && (e.SagaID == old[0] || e.SagaID == old[1]) {
			return open
		}
		return nil
	}
	cfg := trimming(w.config())
	cfg.DrainTimeout = 50 * time.Millisecond
	p := w.run(cfg, service(h))
	w.send(w.record("other", eventOf(old[2], "fails", 1)), w.record("start", eventOf(old[0], "old", 0)), w.record("start", eventOf(old[1], "old", 0)))
	w.awaitLedger("initiator", "two parked and one halted", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindWork) == 2 && countLedger(all, wire.OpPut, wire.KindHalted) == 1
	})
	_, before := w.log("initiator")
	sagas := w.starts("start", 4000)
	w.await("skald.outcomes", len(sagas))
	var start, end int64
	w.until("the log to be trimmed", func(context.Context) bool {
		start, end = w.log("initiator")
		return start > before
	})
	if held := end - start; held > 3*4096 {
		t.Errorf("the log holds %d records for five live entries", held)
	}
	h.mu.Lock()
	running := h.now["middle"]
	h.mu.Unlock()
	if running != 2 {
		t.Errorf("%d old handlers run, want 2", running)
	}
	p.stop() // parked work, an open saga and a halted one come from their rewritten records
	again := newHandlers()
	close(open)
	w.run(cfg, service(again))
	w.await("skald.outcomes", len(sagas)+2)
	w.send(w.record("middle", eventOf(old[2], "behind a halted one", 2)), w.record("start", eventOf(sagaID("last"), "last", 0)))
	w.await("skald.outcomes", len(sagas)+3)
	w.expectOnce("skald.outcomes", append(sagas, old[0], old[1], sagaID("last")))
	if n := again.callsOf(old[2] + "/initiator/middle"); n > 0 {
		t.Error("a halted saga went on: its entry was lost")
	}
}
