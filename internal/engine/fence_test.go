package engine_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// A transaction that consumed nothing commits the position in the ledger all the same: it makes the group's generation count.
func TestTransactionWithoutInputMovesTheFence(t *testing.T) { brokertest.Each(t, testFenceMoves) }

func testFenceMoves(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	w.run(w.config(), h.worker())
	sagas := w.starts("in", 10)
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas) })
	ledger := w.ns.Ledger("worker")
	before := w.committed("worker", ledger, 0)
	close(open)
	w.await("out", len(sagas))
	w.until("the fence to pass the parked work", func(context.Context) bool {
		return w.committed("worker", ledger, 0) >= before+int64(len(sagas))
	})
}

// A zombie is cut off from the broker while it holds parked work. Another takes its partitions over and finishes the work.
// Then the zombie's own handlers finish, and it is heard again: what it tries to commit consumed nothing, and is refused.
func TestZombieIsRefused(t *testing.T) { brokertest.Each(t, testZombie) }

func testZombie(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	p := newProxy(t, b)
	zombie, successor := newHandlers(), newHandlers()
	open := make(chan struct{})
	zombie.gate = func(string, *wire.Event) <-chan struct{} { return open }
	cfg := w.config()
	cfg.Instance, cfg.Connection.Brokers = "zombie", []string{p.addr()}
	w.run(cfg, zombie.worker())
	sagas := w.starts("in", 20)
	zombie.await(t, "the zombie's handlers", func() bool { return len(zombie.calls) == len(sagas) })
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas) })

	p.Hold()
	cfg = w.config()
	cfg.Instance = "successor"
	w.run(cfg, successor.worker())
	w.await("out", len(sagas))
	p.forget()
	close(open)
	p.Release()
	// It comes back: with a transaction that is refused, and then as a member.
	p.awaitRequests(1, brokertest.OfClient("zombie", kmsg.EndTxn))
	w.members("worker", 2)
	w.expectOnce("out", sagas)
	more := w.moreStarts("in", 20, 40)
	w.await("out", 40)
	w.expectOnce("out", append(sagas, more...))
}

// Both live, one is slow: a handler that goes on in a process that has lost the partition has no say.
func TestFormerOwnersHandlerHasNoSay(t *testing.T) { brokertest.Each(t, testFormerOwner) }

func testFormerOwner(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "in", "out")
	open := make(chan struct{})
	former, latter := newHandlers(), newHandlers()
	deaf := func(string, *wire.Event) <-chan struct{} { return open }
	service := former.worker()
	handle := service.Steps[0].Handle
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		return handle(context.WithoutCancel(ctx), e) // it doesn't listen to its context
	}
	former.gate = deaf
	cfg := w.config()
	w.run(cfg, service)
	sagas := w.starts("in", 40)
	former.await(t, "the former owner's handlers", func() bool { return len(former.calls) == len(sagas) })
	cfg.Instance = "two"
	w.run(cfg, latter.worker())
	moved := w.await("out", 1) // the latter has no gate
	if len(moved) == 0 {
		t.Fatal("nothing moved")
	}
	w.members("worker", 2)
	close(open)
	w.await("out", len(sagas))
	w.until("all work to be finished", func(context.Context) bool {
		return countLedger(w.ledger("worker"), wire.OpDelete, wire.KindWork) >= len(sagas)
	})
	w.expectOnce("out", sagas)
}
