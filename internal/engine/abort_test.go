package engine_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/wire"
)

// After an abort polled records are polled again: they join what their handlers returned, or the handlers that still run.
func TestAbortedRecordsJoinTheirHandlers(t *testing.T) {
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("slow=%v", slow), func(t *testing.T) {
			t.Parallel()
			w, cluster := faultyWorld(t, 2, "in", "out")
			h := newHandlers()
			open := make(chan struct{})
			if slow {
				h.gate = func(string, *wire.Event) <-chan struct{} { return open }
			}
			aborted := abortNext(cluster, 3, commits("in"))
			w.run(w.config(), h.worker())
			sagas := w.starts("in", 50)
			awaitHits(t, aborted, 3)
			if !slow {
				w.await("out", len(sagas))
			}
			close(open)
			w.await("out", len(sagas))
			w.expectOnce("out", sagas)
			h.expectOneCallEach(t, len(sagas))
		})
	}
}

// Work that was parked and has finished is committed with its result by a later transaction when its own is aborted.
func TestFinishedBackgroundWorkSurvivesAnAbort(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 2, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	w.run(w.config(), h.worker())
	sagas := w.starts("in", 50)
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas)
	})
	aborted := abortNext(cluster, 3, nil)
	close(open)
	awaitHits(t, aborted, 3)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	h.expectOneCallEach(t, len(sagas))
	w.expectLedgerDone("worker")
}

// Work that leaves the ledger without a handler (here: a second end event, late by the time it comes to its turn) is noted by
// a later transaction when its own is aborted.
func TestIgnoredBackgroundWorkSurvivesAnAbort(t *testing.T) {
	t.Parallel()
	w, cluster := faultyWorld(t, 1, "start", "end", "middle")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "end" {
			return open
		}
		return nil
	}
	w.run(w.config(), h.initiator("middle"))
	saga := w.starts("start", 1)[0]
	w.await("middle", 1)
	w.send(w.record("end", eventOf(saga, "first end", 2)), w.record("end", eventOf(saga, "second end", 2)))
	w.awaitLedger("initiator", "both end events parked", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpPut, wire.KindWork) == 2
	})
	epochs := map[int16]bool{} // each transaction has its own; a request is looked at several times
	aborted := abortNext(cluster, 1, func(r *kmsg.TxnOffsetCommitRequest) bool {
		epochs[r.ProducerEpoch] = true
		return len(epochs) == 2 // the first closes the saga, the second would note that the other event is late
	})
	close(open)
	awaitHits(t, aborted, 1)
	w.awaitLedger("initiator", "the note on the late event", func(all []wire.LedgerRecord) bool {
		return countLedger(all, wire.OpNote, "") == 1 && countLedger(all, wire.OpDelete, wire.KindWork) == 2
	})
	w.expectOnce("skald.outcomes", []string{saga})
}
