package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// Whatever fails in a transaction: nothing is lost, nothing doubled, no offset is committed without its output, and the
// handlers' results are used again.
func TestTransactionThatFails(t *testing.T) {
	produce, end := []kmsg.Key{kmsg.Produce}, []kmsg.Key{kmsg.EndTxn}
	for _, test := range []struct {
		name  string
		fault kfake.Fault
	}{
		{"produce, retriable", kfake.Fault{Keys: produce, Topic: "out", Err: kerr.NotEnoughReplicas}},
		{"produce, for good", kfake.Fault{Keys: produce, Topic: "out", Err: kerr.PolicyViolation}},
		{"produce, unknown", kfake.Fault{Keys: produce, Topic: "out", Err: kerr.UnknownServerError}},
		{"produce, out of order", kfake.Fault{Keys: produce, Topic: "out", Err: kerr.OutOfOrderSequenceNumber}},
		{"produce, fenced epoch", kfake.Fault{Keys: produce, Topic: "out", Err: kerr.InvalidProducerEpoch}},
		{"produce of the ledger", kfake.Fault{Keys: produce, Topic: "skald.worker.ledger", Err: kerr.PolicyViolation}},
		{"offsets, for good", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.InvalidCommitOffsetSize}},
		{"offsets, slow coordinator", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.CoordinatorLoadInProgress}},
		{"end, unknown", kfake.Fault{Keys: end, TopLevel: true, Err: kerr.UnknownServerError}},
		{"end, fenced", kfake.Fault{Keys: end, TopLevel: true, Err: kerr.ProducerFenced}},
		{"end, invalid state", kfake.Fault{Keys: end, TopLevel: true, Err: kerr.InvalidTxnState}},
		{"end, still writing markers", kfake.Fault{Keys: end, TopLevel: true, Err: kerr.ConcurrentTransactions}},
		{"end, coordinator moved", kfake.Fault{Keys: end, TopLevel: true, Err: kerr.NotCoordinator}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, cluster := faultyWorld(t, 1, "in", "out")
			h := newHandlers()
			slow := make(chan struct{})
			h.gate = func(_ string, e *wire.Event) <-chan struct{} {
				if e.SagaID == sagaID(0) {
					return slow // so that the ledger takes part
				}
				return nil
			}
			w.run(w.config(), h.worker())
			w.members("worker", 1)
			test.fault.Count = 3
			faults := cluster.Fault(test.fault)
			sagas := w.starts("in", 20)
			awaitHits(t, faults, 2)
			if test.fault.Topic != "" { // these kept the transaction from committing, so far
				if got := w.committed("worker", "in", 0); got > 0 && len(w.read("out")) == 0 && len(w.ledger("worker")) == 0 {
					t.Errorf("offset %d is committed without an output", got)
				}
			}
			awaitHits(t, faults, 3)
			close(slow)
			w.await("out", len(sagas))
			w.until("all offsets", func(context.Context) bool { return w.committed("worker", "in", 0) == int64(len(sagas)) })
			w.expectOnce("out", sagas)
			h.expectOneCallEach(t, len(sagas))
			w.expectLedgerDone("worker")
		})
	}
}

// A session that is built anew may not be able to begin at first: it tries again, with pauses.
func TestTransactionThatCannotBegin(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 1, "in", "out")
	h := newHandlers()
	w.run(w.config(), h.worker())
	w.members("worker", 1)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.InvalidTxnState})
	begin := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TxnID: "skald.worker.one", Err: kerr.InvalidTransactionTimeout, Count: 3})
	sagas := w.starts("in", 20)
	awaitHits(t, begin, 3)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	h.expectOneCallEach(t, len(sagas))
}

// A produce that can be tried again is, until the transaction's time is over; then the session begins anew.
func TestProduceIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 1, "in", "out")
	h := newHandlers()
	cfg := w.config()
	cfg.TransactionTimeout = 500 * time.Millisecond
	faults := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.NotEnoughReplicas, Count: -1})
	rejoined := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Observe: true, Count: -1})
	w.run(cfg, h.worker())
	w.members("worker", 1)
	joins := rejoined.Hits()
	sagas := w.starts("in", 20)
	awaitHits(t, rejoined, joins+1)
	if got := w.committed("worker", "in", 0); got > 0 {
		t.Errorf("offset %d is committed without an output", got)
	}
	if got := len(w.read("out")); got > 0 {
		t.Errorf("%d outputs are committed", got)
	}
	faults.Remove()
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	h.expectOneCallEach(t, len(sagas))
}

// When a record failed for good, nobody waits for the others, however long those may be tried again: the session begins anew at once,
// and aborts what the former left open. The transaction's time is so long here that it can't be what ends the wait.
func TestOthersAreNotWaitedForAfterAFailureForGood(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 1, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(_ string, e *wire.Event) <-chan struct{} {
		if e.SagaID == sagaID(0) {
			return open // so that there is a ledger record in the transaction
		}
		return nil
	}
	cfg := w.config()
	cfg.TransactionTimeout, cfg.Hold = 10*time.Minute, time.Second // so that none but the slow one is parked
	p := w.run(cfg, h.worker())
	w.members("worker", 1)
	for _, failing := range []string{"out", "skald.worker.ledger"} { // and once more with work from the ledger
		hanging := map[string]string{"out": "skald.worker.ledger", "skald.worker.ledger": "out"}[failing]
		hang := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: hanging, Err: kerr.NotEnoughReplicas, Count: -1})
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: failing, Err: kerr.PolicyViolation})
		rejoined := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Observe: true, Count: -1})
		if failing == "out" {
			w.starts("in", 20)
		} else {
			close(open)
		}
		awaitHits(t, rejoined, 1)
		hang.Remove()
		if failing == "out" {
			w.await("out", 19)
			w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == 1 })
		}
	}
	w.await("out", 20)
	var sagas []string
	for i := range 20 {
		sagas = append(sagas, sagaID(i))
	}
	p.stop()
	w.expectOnce("out", sagas)
	h.expectOneCallEach(t, len(sagas))
	w.expectLedgerDone("worker")
}

// A session that stops with a transaction left open aborts it: its successor's replay would wait for the transaction's time.
func TestStopAbortsWhatIsOpen(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 1, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	cfg := w.config()
	cfg.TransactionTimeout = 10 * time.Minute
	p := w.run(cfg, h.worker())
	sagas := w.starts("in", 20)
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas) })
	failing := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.PolicyViolation, Count: -1})
	p.cancel()
	close(open)
	p.stop()
	if failing.Hits() == 0 {
		t.Fatal("nothing failed: the test shows nothing")
	}
	failing.Remove()
	cfg.Instance = "two"
	w.run(cfg, newHandlers().worker())
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
}

// The broker has committed, but its answer is lost: the committed offsets are the truth.
func TestLostAnswerToTheEndOfATransaction(t *testing.T) { brokertest.Each(t, testLostAnswer) }

func testLostAnswer(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	p := newProxy(t, b)
	h := newHandlers()
	cfg := w.config()
	cfg.Connection.Brokers = []string{p.addr()}
	w.run(cfg, h.worker())
	w.members("worker", 1)
	lost := 0
	p.loseAnswers(func(r *brokertest.Exchange) bool {
		if r.Key != kmsg.EndTxn && r.Key != kmsg.Produce && r.Key != kmsg.TxnOffsetCommit || lost == 6 {
			return false
		}
		lost++
		return lost%2 == 1
	})
	sagas := w.starts("in", 20)
	more := w.moreStarts("in", 20, 40)
	w.await("out", 40)
	w.expectOnce("out", append(sagas, more...))
	h.expectOneCallEach(t, 40)
	p.loseAnswers(nil)
	if lost == 0 {
		t.Error("no answer was lost: the test shows nothing")
	}
}
