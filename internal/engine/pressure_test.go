package engine_test

import (
	"fmt"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// Bounds hold within one batch, and the loop drains: ends, the inbox and parked work are never held up by what waits for them.
func TestBackPressureHoldsAndDrains(t *testing.T) {
	for _, bounds := range []struct{ open, unfinished int }{{5, 20_000}, {100_000, 5}, {5, 5}, {1, 1}} {
		t.Run(fmt.Sprint(bounds), func(t *testing.T) {
			brokertest.Each(t, func(t *testing.T, b brokertest.Broker) { testPressure(t, b, bounds.open, bounds.unfinished) })
		})
	}
}

func testPressure(t *testing.T, b brokertest.Broker, maxOpen, maxUnfinished int) {
	t.Parallel()
	w := newWorld(t, b, 2, "start", "middle", "end")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "middle" {
			return open
		}
		return nil
	}
	cfg := w.config()
	cfg.MaxOpenSagas, cfg.MaxUnfinished = maxOpen, maxUnfinished
	w.run(cfg, everything(h))
	const portion, all = 10, 500
	sagas := w.starts("start", portion)
	w.awaitLedger("initiator", "a bound to be reached", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindOpen) >= maxOpen || countLedger(all, wire.OpPut, wire.KindWork) >= maxUnfinished
	})
	sagas = append(sagas, w.moreStarts("start", portion, all)...)
	// The loop goes on: an end is taken. Then it has had its chance to take more.
	late := sagaID("late")
	w.send(w.record("end", eventOf(late, "late", 2)))
	w.awaitLedger("initiator", "the note of a late end", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpNote, "") == 1 })
	ledger := w.ledger("initiator")
	if opened := countLedger(ledger, wire.OpPut, wire.KindOpen); maxOpen < portion && opened > portion {
		t.Errorf("%d sagas are open, the bound is %d and a batch %d", opened, maxOpen, portion)
	}
	if parked := countLedger(ledger, wire.OpPut, wire.KindWork); parked > portion {
		t.Errorf("%d events are unfinished, the bound is %d and a batch %d", parked, maxUnfinished, portion)
	}
	close(open)
	w.await("skald.outcomes", all)
	w.expectOnce("skald.outcomes", sagas)
	h.expectOneCallEach(t, 3*all)
}
