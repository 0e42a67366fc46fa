package engine

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// A batch of a few kilobytes may decompress to gigabytes. The client reads none that decompresses to more than
// kafka.MaxDecompressedBatch, and its partition stands still until it is told to go on behind it. Such a batch becomes one dead
// letter with its coordinates, in the transaction that commits the offset behind it: whose sagas it held, nobody can say.

// place is a partition of a topic, by its name on the broker.
type place struct {
	topic     string
	partition int32
}

// unreadable is the error of a fetched partition that stands before such a batch, nil for any other.
func unreadable(err error) *kgo.ErrDecompressTooLarge {
	e, _ := errors.AsType[*kgo.ErrDecompressTooLarge](err)
	return e
}

// meet notes such a batch until a transaction has passed it over. The client tells of it once: should the transaction abort, it may
// not tell again, as it has no other position to go back to.
func (s *Session) meet(e *kgo.ErrDecompressTooLarge) {
	s.unreadable[place{e.Topic, e.Partition}] = e
}

// passOver puts the noted batches into this one.
func (b *batch) passOver() {
	for at, e := range b.s.unreadable {
		if b.s.consumed[at.partition][at.topic] >= e.NextOffset {
			delete(b.s.unreadable, at) // told of a second time
			continue
		}
		if b.polled[at.partition] == nil {
			b.polled[at.partition] = map[string]int64{}
		}
		b.polled[at.partition][at.topic] = e.NextOffset
		b.passedOver = append(b.passedOver, e)
		b.letterOf(e)
		b.onCommit(func() {
			delete(b.s.unreadable, at)
			b.s.group.Client().SetOffsets(map[string]map[int32]kgo.EpochOffset{
				at.topic: {at.partition: {Epoch: e.Epoch, Offset: e.NextOffset}},
			})
		})
	}
}

func (b *batch) letterOf(e *kgo.ErrDecompressTooLarge) {
	s := b.s
	topic, _ := s.cfg.Namespace.Name(e.Topic)
	letter := &wire.Letter{
		Service: s.service.Name, Class: wire.ClassTooLarge, Time: b.now, Bound: s.letterBound,
		Record: wire.Record{Topic: topic, Partition: e.Partition, Offset: e.Offset}, NextOffset: e.NextOffset,
		Error: fmt.Sprintf("the batch with offsets %d to %d decompresses to more than %d MiB and was passed over: send smaller batches; "+
			"to see this one, read it with a client that allows more", e.Offset, e.NextOffset-1, kafka.MaxDecompressedBatch>>20),
	}
	if s.steps[topic] != nil {
		letter.Step = topic
	}
	b.Outs = append(b.Outs, saga.Out{Kind: saga.Letter, Record: s.letterRecord(letter)})
	b.onCommit(func() {
		s.metrics.letters.WithLabelValues(letter.Step, letter.Class).Inc()
		s.logger.Error("a batch of events became a dead letter unread", "topic", topic, "partition", e.Partition,
			"offset", e.Offset, "last offset", e.NextOffset-1, "error", letter.Error)
	})
}

// setOffset moves a transaction's offset of a partition behind a batch. The client has one there if it read records before it.
func setOffset(req *kmsg.TxnOffsetCommitRequest, e *kgo.ErrDecompressTooLarge) {
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch = e.Partition, e.NextOffset, e.Epoch
	for i := range req.Topics {
		t := &req.Topics[i]
		if t.Topic != e.Topic {
			continue
		}
		for j := range t.Partitions {
			if t.Partitions[j].Partition == e.Partition {
				t.Partitions[j] = p
				return
			}
		}
		t.Partitions = append(t.Partitions, p)
		return
	}
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = e.Topic, append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
}
