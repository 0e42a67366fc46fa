package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// murmur2 partitions records with a key as Kafka's Java client does. For those
// it keeps no state, so that it can be shared.
var murmur2 = kgo.StickyKeyPartitioner(nil).ForTopic("")

// records saves PartitionFor a record per call, which kgo's interface asks for.
var records = sync.Pool{New: func() any { return new(kgo.Record) }}

// PartitionFor is the partition of n in which a record with this key belongs:
// murmur2(key) mod n, as the Java client has it. A nil key counts as an empty
// one. It is 0 if n isn't positive.
func PartitionFor(key []byte, n int32) int32 {
	if n <= 0 {
		return 0
	}
	if key == nil {
		key = []byte{} // The partitioner takes nil for "anywhere".
	}
	r := records.Get().(*kgo.Record)
	r.Key = key
	p := murmur2.Partition(r, int(n))
	r.Key = nil
	records.Put(r)
	return int32(p)
}

// Partitioner leaves records of co-partitioned topics in the partition that they
// name: such a record belongs where its saga is, and ledger records are keyed by
// something else. All other records go by murmur2 of their key, or without a key
// to any partition.
//
// A record that names a partition which its topic doesn't have fails by itself;
// mind that the zero Record names partition 0. coPartitioned is called once for
// each topic that a client produces to.
func Partitioner(coPartitioned func(topic string) bool) kgo.Partitioner {
	return partitioner{
		coPartitioned: coPartitioned,
		named:         kgo.ManualPartitioner(),
		byKey:         kgo.StickyKeyPartitioner(nil),
	}
}

type partitioner struct {
	coPartitioned func(topic string) bool
	named, byKey  kgo.Partitioner
}

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	if p.coPartitioned(topic) {
		return p.named.ForTopic(topic)
	}
	return p.byKey.ForTopic(topic)
}
