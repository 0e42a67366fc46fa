package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// A former owner's transaction on the ledger is still open when its successor reads it: what it accepted counts if it commits.
func TestReplayWaitsForAnOpenTransaction(t *testing.T) {
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		t.Run(fmt.Sprintf("commit=%v", commit), func(t *testing.T) {
			brokertest.Each(t, func(t *testing.T, b brokertest.Broker) { testOpenTransaction(t, b, commit) })
		})
	}
}

func testOpenTransaction(t *testing.T, b brokertest.Broker, commit kgo.TransactionEndTry) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out", "skald.worker.ledger")
	former, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...), kgo.TransactionalID(b.Prefix+"former"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer former.Close()
	ctx, cancel := testContext(t)
	defer cancel()
	if err := former.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	accepted := parkedRecord(w, "in", eventOf(sagaID("accepted"), "accepted", 1))
	if err := former.ProduceSync(ctx, accepted).FirstErr(); err != nil {
		t.Fatal(err)
	}

	p := newProxy(t, b)
	cfg := w.config()
	cfg.Connection.Brokers = []string{p.addr()}
	h := newHandlers()
	w.run(cfg, h.worker())
	w.send(w.record("in", eventOf(sagaID("polled"), "polled", 1)))
	p.awaitRequests(1, brokertest.OfClient("-replay-", kmsg.Fetch)) // it reads, and sees nothing yet
	if err := former.EndTransaction(ctx, commit); err != nil {
		t.Fatal(err)
	}
	if commit {
		w.await("out", 2)
		w.expectOnce("out", []string{sagaID("accepted"), sagaID("polled")})
		h.expectOneCallEach(t, 2)
		return
	}
	w.await("out", 1)
	w.send(w.record("in", eventOf(sagaID("last"), "last", 1)))
	w.await("out", 2)
	w.expectOnce("out", []string{sagaID("polled"), sagaID("last")})
	h.expectOneCallEach(t, 2)
}

// parkedRecord is a ledger record of accepted work.
func parkedRecord(w *world, step string, e *wire.Event) *kgo.Record {
	event := &wire.Record{Topic: step, Key: []byte(e.SagaID), Headers: e.Headers(), Value: e.Payload, Time: time.Now()}
	l := wire.LedgerRecord{
		Op: wire.OpPut, Kind: wire.KindWork, ID: e.ID, Saga: e.SagaID, Workflow: e.Workflow, Step: step, Accepted: time.Now(), Order: 1, Event: event,
	}
	return &kgo.Record{Topic: w.ns.Ledger("worker"), Partition: w.partition(e.SagaID), Key: []byte(e.ID), Value: l.Encode()}
}

// A service that was down while its log was written by a newer one must not guess.
func TestLedgerOfTheFutureStopsTheService(t *testing.T) { brokertest.Each(t, testFutureLedger) }

func testFutureLedger(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out", "skald.worker.ledger")
	w.send(&kgo.Record{Topic: w.ns.Ledger("worker"), Value: []byte(`{"v":99,"op":"put","kind":"work","id":"x"}`)})
	cfg := w.config()
	h := newHandlers()
	w.starts("in", 1)
	err := w.run(cfg, h.worker()).wait()
	if err == nil || !strings.Contains(err.Error(), "newer") || !strings.Contains(err.Error(), "upgrade") || !strings.Contains(err.Error(), "worker") {
		t.Errorf("Run returned %v; it must say that the ledger is newer, whose, and what to do", err)
	}
	if n := len(h.calls); n > 0 {
		t.Errorf("%d handlers were called", n)
	}
}

// Kafka forgets the offsets of a group without members after a week. The service goes on where it was: neither at the start
// of its topics, nor at their end.
func TestForgottenOffsets(t *testing.T) {
	for _, every := range []time.Duration{time.Nanosecond, time.Hour} { // each transaction has a checkpoint; only the last one
		t.Run(every.String(), func(t *testing.T) {
			brokertest.Each(t, func(t *testing.T, b brokertest.Broker) { testForgottenOffsets(t, b, every) })
		})
	}
}

func testForgottenOffsets(t *testing.T, b brokertest.Broker, every time.Duration) {
	t.Parallel()
	w := newWorld(t, b, 4, "in", "out")
	h := newHandlers()
	cfg := w.config()
	cfg.Upkeep.CheckpointEvery = every
	before := w.starts("in", 40)
	p := w.run(cfg, h.worker())
	w.await("out", len(before))
	p.stop()

	ctx, cancel := testContext(t)
	defer cancel()
	group := w.ns.Group("worker")
	deleted, err := kadm.NewClient(w.client).DeleteGroups(ctx, group)
	if err != nil || deleted[group].Err != nil {
		t.Fatalf("delete the group: %v, %v", err, deleted[group].Err)
	}
	during := w.moreStarts("in", 40, 80)
	w.run(cfg, h.worker())
	w.await("out", len(before)+len(during))
	w.until("all offsets to be committed", func(context.Context) bool {
		var sum int64
		for p := range w.n {
			sum += max(0, w.committed("worker", w.ns.Topic("in"), p))
		}
		return sum == 80
	})
	w.expectOnce("out", append(before, during...))
	h.expectOneCallEach(t, 80)
}
