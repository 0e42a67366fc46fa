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

// A handler that doesn't listen to its context blocks its saga, visibly and alone; no second attempt begins beside it; and what it
// returns in the end counts.
func TestHandlerThatDoesNotReturn(t *testing.T) { brokertest.Each(t, testHang) }

func testHang(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	h := newHandlers()
	service := h.worker()
	deaf := make(chan struct{})
	handle := service.Steps[0].Handle
	service.Steps[0].Timeout = 30 * time.Millisecond
	service.Steps[0].Retry.Attempts = 3
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		if strings.Contains(string(e.Payload), "deaf") {
			defer h.enter(ctx, "in", e)()
			<-deaf
			return []engine.Output{{Topic: "out", Payload: e.Payload}}, nil
		}
		return handle(ctx, e)
	}
	cfg := w.config()
	cfg.HangGrace = 20 * time.Millisecond
	w.run(cfg, service)
	w.members("worker", 1)
	w.send(w.record("in", eventOf(sagaID("deaf"), "deaf", 1)), w.record("in", eventOf(sagaID("other"), "other", 1)))
	w.await("out", 1)
	w.awaitLedger("worker", "the saga to be blocked", func(all []wire.LedgerRecord) bool {
		for _, r := range all {
			if r.State == wire.StateBlocked && r.Saga == sagaID("deaf") && strings.Contains(r.Error, "doesn't return") {
				return true
			}
		}
		return false
	})
	close(deaf)
	w.await("out", 2)
	w.expectOnce("out", []string{sagaID("deaf"), sagaID("other")})
	h.expectOneCallEach(t, 2)
}
