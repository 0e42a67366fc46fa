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

// everything is a service with begin (start -> middle), a step (middle -> end) and end.
func everything(h *handlers) engine.Service {
	s := h.initiator("middle")
	s.Steps = append(s.Steps, h.step("middle", "end"))
	return s
}

func TestRestartGoesOnWhereItWas(t *testing.T) { brokertest.Each(t, testRestart) }

func testRestart(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "start", "middle", "end", "other", "out")
	before, after := newHandlers(), newHandlers()
	never := make(chan struct{})
	before.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "middle" || topic == "other" {
			return never
		}
		return nil
	}
	cfg := w.config()
	cfg.DrainTimeout = 50 * time.Millisecond
	service := everything(before)
	other := before.step("other", "out")
	fail := before.step("out", "other")
	fail.Handle = func(context.Context, *wire.Event) ([]engine.Output, error) { return nil, errTest }
	service.Steps = append(service.Steps, other, fail)
	p := w.run(cfg, service)

	// Open, with the token parked; one has a second event queued behind; some are halted, with an event queued behind.
	sagas := w.starts("start", 10)
	before.await(t, "all to be in the middle", func() bool { return before.now["middle"] == len(sagas) })
	queued := sagas[0]
	w.send(w.record("other", eventOf(queued, "queued", 5)))
	halted := []string{sagaID("halted 1"), sagaID("halted 2")}
	for _, saga := range halted {
		w.send(w.record("out", eventOf(saga, "fails", 1)))
	}
	w.await("skald.dlq", len(halted))
	for _, saga := range halted {
		w.send(w.record("other", eventOf(saga, "behind", 2)))
	}
	w.awaitLedger("initiator", "everything in the ledger", func(all []wire.LedgerRecord) bool {
		live := liveEntries(all)
		return live[wire.KindWork] == len(sagas)+1+len(halted) && live[wire.KindHalted] == len(halted) && live[wire.KindOpen] == len(sagas)
	})
	p.stop()

	service = everything(after)
	service.Steps = append(service.Steps, after.step("other", "out2"), after.step("out", "other"))
	w.run(cfg, service)
	w.await("skald.outcomes", len(sagas))
	w.await("out2", 1)
	w.expectOnce("skald.outcomes", sagas)
	w.expectOnce("end", sagas)
	w.expectOnce("out2", []string{queued}) // those behind halted ones still wait
	if n := len(w.read("skald.dlq")); n != len(halted) {
		t.Errorf("%d dead letters, want %d", n, len(halted))
	}
	after.mu.Lock()
	defer after.mu.Unlock()
	for key, n := range after.calls {
		if n != 1 || strings.Contains(key, "/start") {
			t.Errorf("after the restart: %d calls for %s", n, key)
		}
	}
}

func TestWorkOfAStepThatIsGoneIsHalted(t *testing.T) { brokertest.Each(t, testGoneStep) }

func testGoneStep(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out", "old")
	h := newHandlers()
	h.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "old" {
			return make(chan struct{})
		}
		return nil
	}
	cfg := w.config()
	cfg.DrainTimeout = 50 * time.Millisecond
	service := h.worker()
	service.Steps = append(service.Steps, h.step("old", "out"))
	p := w.run(cfg, service)
	w.members("worker", 1)
	ofNone := w.record("old", &wire.Event{Payload: []byte(`"of no saga"`)})
	w.send(ofNone)
	sagas := w.starts("old", 5)
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == 6 })
	p.stop()

	p = w.run(cfg, h.worker())
	letters := w.await("skald.dlq", 6)
	for _, r := range letters {
		saga := string(r.Key)
		if header(r, "dlq-step") != "old" || header(r, "dlq-halted") != map[bool]string{true: "true"}[saga != ""] ||
			!strings.Contains(header(r, "dlq-error"), `no step on topic "old" any more`) || header(r, "dlq-attempts") == "" {
			t.Errorf("letter of %q: %+v", saga, wireHeaders(r))
		}
	}
	w.send(w.record("in", eventOf(sagas[0], "later", 3)), w.record("in", eventOf(sagaID("another"), "goes on", 1)))
	w.await("out", 1)
	w.expectOnce("out", []string{sagaID("another")}) // the halted saga's later event waits
	p.stop()
	w.run(cfg, h.worker()) // and no second letter comes of it
	w.send(w.record("in", eventOf(sagaID("a third"), "goes on", 1)))
	w.await("out", 2)
	if n := len(w.read("skald.dlq")); n != 6 {
		t.Errorf("%d dead letters, want 6", n)
	}
}
