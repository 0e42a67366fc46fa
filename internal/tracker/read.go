package tracker

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
	"github.com/skald-saga/skald/internal/wire"
)

const (
	// maxBatch bounds the records of one SQL transaction.
	maxBatch = 5000
	// linger is how long a batch waits for more: a transaction has a price, and nobody sees 10 ms.
	linger = 10 * time.Millisecond

	// What the client holds of each broker in memory, before decompression, which makes ten times as much of it. While the tracker
	// caught up, 16 MiB made a console process grow to 510-560 MiB, and this to 280, at the same processor time per record.
	fetchBytes          = 2 << 20
	fetchPartitionBytes = 256 << 10
)

// batch is what one poll has told, ready to be written.
type batch struct {
	told      []told
	loose     []store.Letter // of no saga
	announced []announced
	next      map[partition]int64
	data      map[partition]int64 // behind the last record of a partition that isn't a mark of a transaction
	aside     []traffic.Flow      // of events of no saga
	records   int
	skipped   map[skip]int
}

// told is a fact with the record that tells it.
type told struct {
	fact
	record store.Record // only if the fact says to keep it
}

type announced struct {
	wire.Announcement
	encoded []byte
}

// reader turns records into batches.
type reader struct {
	*follower
	headers []wire.Header   // for one record after the other
	said    map[string]bool // what has been logged
	ends    map[partition]int64
}

// read hands on batch after batch until ctx ends.
func (f *follower) read(ctx context.Context, batches chan<- *batch) error {
	r := reader{follower: f, said: map[string]bool{}, ends: map[partition]int64{}}
	for {
		b, err := r.poll(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *reader) poll(ctx context.Context) (*batch, error) {
	b := &batch{next: map[partition]int64{}, data: map[partition]int64{}, skipped: map[skip]int{}}
	if err := r.pollOnce(ctx, b); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, linger)
	defer cancel()
	for ctx.Err() == nil && b.records < maxBatch {
		if err := r.pollOnce(ctx, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (r *reader) pollOnce(ctx context.Context, b *batch) error {
	fetches := r.client.PollRecords(ctx, maxBatch-b.records)
	if fetches.IsClientClosed() {
		return kgo.ErrClientClosed
	}
	var denied error
	fetches.EachError(func(topic string, id int32, err error) {
		err = kafka.About(err, kafka.Topic, topic, readTopic...)
		switch tooLarge, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err); {
		case isDenied(err):
			denied = err
		case ok:
			r.pass(tooLarge, b)
		case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
			r.sayOnce("reading a partition fails", topic+": "+err.Error(), "topic", topic, "partition", id, "error", err)
		}
	})
	fetches.EachRecord(func(k *kgo.Record) { r.take(k, b) })
	return denied
}

// pass goes on behind a batch of records that would take too much memory: kafka.MaxDecompressedBatch.
func (r *reader) pass(e *kgo.ErrDecompressTooLarge, b *batch) {
	r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{
		e.Topic: {e.Partition: {Epoch: e.Epoch, Offset: e.NextOffset}},
	})
	b.records++
	b.next[partition{e.Topic, e.Partition}] = e.NextOffset
	b.skipped[skipTooLarge]++
	r.sayOnce("records are passed over", string(skipTooLarge)+e.Topic, "topic", e.Topic, "partition", e.Partition, "error", e)
}

// take adds what a record tells to a batch.
func (r *reader) take(k *kgo.Record, b *batch) {
	b.records++
	b.next[partition{k.Topic, k.Partition}] = k.Offset + 1
	if k.Attrs.IsControl() {
		return
	}
	b.data[partition{k.Topic, k.Partition}] = k.Offset + 1
	from, ok := r.topics.get(k.Topic)
	if !ok {
		return // can't be: topics are noted before they are read
	}
	if from.kind == sourceRegistry {
		r.hear(k, b)
		return
	}
	r.headers = r.headers[:0]
	for _, h := range k.Headers {
		r.headers = append(r.headers, wire.Header(h))
	}
	record := wire.Record{
		Topic: from.name, Partition: k.Partition, Offset: k.Offset, Time: k.Timestamp, Key: k.Key, Headers: r.headers, Value: k.Value,
	}
	f, skipped, err := project(from.source, &record)
	if err != nil {
		r.sayOnce("a record can't be read", string(skipped)+from.name, "topic", k.Topic, "partition", k.Partition, "offset", k.Offset, "error", err)
	}
	if from.kind == sourceEvents && f.input.id == "" && (skipped == skipNone || skipped == skipNoSaga) {
		r.countAside(k, from, &record, b)
	}
	if skipped != skipNone {
		b.skipped[skipped]++
		return
	}
	if f.letter != nil && f.saga == (store.SagaID{}) {
		b.loose = append(b.loose, f.letter.row(LetterLoose))
		return
	}
	t := told{fact: f}
	if f.keep {
		t.record = store.Record{
			Topic: from.Topic, Partition: k.Partition, Offset: k.Offset, Time: nanos(k.Timestamp),
			Headers: encodeHeaders(k.Headers), Value: f.kept(k.Value), Hashes: headerHashes(r.headers),
		}
	}
	b.told = append(b.told, t)
}

// countAside counts an event of no saga. No state remembers these: once counted by where they lie, they aren't when a log that has lost its
// end is read again.
func (r *reader) countAside(k *kgo.Record, from topic, record *wire.Record, b *batch) {
	p := partition{k.Topic, k.Partition}
	if k.Offset < max(r.ends[p], r.positions[from.Topic][k.Partition]) {
		return
	}
	r.ends[p] = k.Offset + 1
	b.aside = append(b.aside, traffic.Flow{
		Way:      traffic.Way{From: text(wire.ServiceOf(record.Header(wire.HeaderSource)), maxName), Topic: from.name},
		Produced: nanos(k.Timestamp), Took: -1,
	})
}

func (r *reader) hear(k *kgo.Record, b *batch) {
	a, err := wire.DecodeAnnouncement(k.Value)
	if err == nil && (a.Service == "" || a.Instance == "") {
		err = errors.New("it names no service or no instance")
	}
	if err == nil && (len(a.Service) > maxName || len(a.Instance) > maxName) {
		err = errors.New("its service's or its instance's name is too long")
	}
	if err != nil {
		b.skipped[skipAnnounced]++
		r.sayOnce("an announcement can't be read", string(skipAnnounced), "topic", k.Topic, "offset", k.Offset, "error", err)
		return
	}
	b.announced = append(b.announced, announced{a, k.Value})
}

// sayOnce logs the first of each kind; the counters have them all.
func (r *reader) sayOnce(message, kind string, args ...any) {
	const most = 1000 // kinds come from outside
	if !r.said[kind] && len(r.said) < most {
		r.said[kind] = true
		r.cfg.Logger.Warn(message+"; more of the kind are only counted", args...)
	}
}
