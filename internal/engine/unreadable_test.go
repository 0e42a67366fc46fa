package engine_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// bomb sends one batch of three records that is small on the wire and large in memory.
func (w *world) bomb(topic string, partition int32) {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.b.Addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ManualFlushing(),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	var failed error
	for range 3 {
		client.Produce(context.Background(), &kgo.Record{Topic: w.ns.Topic(topic), Partition: partition, Value: make([]byte, kafka.MaxDecompressedBatch/3+1)},
			func(_ *kgo.Record, err error) { failed = err })
	}
	ctx, cancel := testContext(w.t)
	defer cancel()
	if err := client.Flush(ctx); err != nil || failed != nil {
		w.t.Fatalf("produce: %v, %v", err, failed)
	}
}

// A batch that nobody can read becomes a dead letter with its coordinates, once, and what lies before and behind it goes on.
func TestBatchThatIsTooLargeInMemory(t *testing.T) { brokertest.Each(t, testTooLargeInMemory) }

func testTooLargeInMemory(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	sagas := w.moreStarts("in", 0, 5)
	w.bomb("in", 0)
	p := w.run(w.config(), newHandlers().worker())
	sagas = append(sagas, w.moreStarts("in", 5, 10)...)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	p.stop()
	if got := w.committed("worker", w.ns.Topic("in"), 0); got != 13 {
		t.Errorf("offset %d is committed, want 13", got)
	}
	p = w.run(w.config(), newHandlers().worker())
	w.bomb("skald.worker.inbox", 0) // which belongs to no step
	w.await("skald.dlq", 2)
	p.stop()
	if got := w.committed("worker", w.ns.Inbox("worker"), 0); got != 3 {
		t.Errorf("offset %d of the inbox is committed, want 3", got)
	}
	w.run(w.config(), newHandlers().worker())
	w.moreStarts("in", 10, 11)
	w.await("out", 11)
	for i, r := range w.read("skald.dlq") {
		l, err := wire.ParseLetter(&wire.Record{Key: r.Key, Headers: w.wire(r), Value: r.Value})
		if err != nil {
			t.Fatal(err)
		}
		want := []wire.Letter{
			{Step: "in", Record: wire.Record{Topic: "in", Offset: 5}, NextOffset: 8},
			{Record: wire.Record{Topic: "skald.worker.inbox"}, NextOffset: 3},
		}[i]
		if l.Step != want.Step || l.Record.Topic != want.Record.Topic || l.Record.Offset != want.Record.Offset || l.NextOffset != want.NextOffset ||
			l.Class != wire.ClassTooLarge || l.Halted || !strings.Contains(l.Error, "to "+strconv.Itoa(int(want.NextOffset-1))) {
			t.Errorf("letter %d: %+v", i, l)
		}
	}
	if n := len(w.read("skald.dlq")); n != 2 {
		t.Errorf("%d letters, want 2", n)
	}
}

// The transaction that passes over the batch aborts: the batch is passed over in the next, though the client tells of it only once.
func TestAbortBeforeABatchThatIsTooLarge(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]int{"alone": 0, "behind others": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, cluster := faultyWorld(t, 1, "in", "out")
			sagas := w.moreStarts("in", 0, first)
			w.bomb("in", 0)
			faults := abortNext(cluster, 2, commits("in"))
			w.run(w.config(), newHandlers().worker())
			awaitHits(t, faults, 2)
			sagas = append(sagas, w.moreStarts("in", first, 10)...)
			w.await("out", len(sagas))
			w.expectOnce("out", sagas)
			if n := len(w.read("skald.dlq")); n != 1 {
				t.Errorf("%d letters, want 1", n)
			}
		})
	}
}
