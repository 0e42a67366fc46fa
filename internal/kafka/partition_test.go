package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/brokertest"
)

// The hashes are those of Kafka's own UtilsTest.testMurmur2. Its producer takes
// them without their sign bit, modulo the partition count.
func TestPartitionForIsThatOfJava(t *testing.T) {
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int32{1, 3, 4, 12, 100, 1 << 30} {
			if got, want := PartitionFor([]byte(key), n), hash&0x7fffffff%n; got != want {
				t.Errorf("%q of %d: got %d, want %d", key, n, got, want)
			}
		}
	}
}

func TestPartitionForAnyKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		n := rapid.Int32Range(1, 1000).Draw(t, "n")
		p := PartitionFor(key, n)
		if p < 0 || p >= n || p != PartitionFor(key, n) {
			t.Errorf("got %d", p)
		}
		// Whoever produces by key agrees.
		byKey := Partitioner(func(string) bool { return false }).ForTopic("t")
		if key != nil && int(p) != byKey.Partition(&kgo.Record{Key: key}, int(n)) {
			t.Errorf("the partitioner says %d, PartitionFor %d", byKey.Partition(&kgo.Record{Key: key}, int(n)), p)
		}
	})
}

func TestPartitionForOddities(t *testing.T) {
	if PartitionFor(nil, 7) != PartitionFor([]byte{}, 7) {
		t.Error("a nil key isn't an empty one")
	}
	for _, n := range []int32{0, -1} {
		if p := PartitionFor([]byte("k"), n); p != 0 {
			t.Errorf("of %d partitions: %d", n, p)
		}
	}
}

func TestPartitionerOnABroker(t *testing.T) { brokertest.Each(t, testPartitioner) }

func testPartitioner(t *testing.T, b brokertest.Broker) {
	ledger, other := b.Prefix+"ledger", b.Prefix+"other"
	cl := newClient(t, b, kgo.RecordPartitioner(Partitioner(func(topic string) bool { return topic == ledger })))
	if err := EnsureTopics(testContext(t), cl, []TopicSpec{{Name: ledger, Partitions: 8}, {Name: other, Partitions: 8}}); err != nil {
		t.Fatal(err)
	}
	for p := range int32(8) {
		for _, topic := range []string{ledger, other} {
			r, err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Partition: p, Key: []byte("foobar")}).First()
			if err != nil {
				t.Fatal(err)
			}
			want := p
			if topic == other {
				want = PartitionFor([]byte("foobar"), 8)
			}
			if r.Partition != want {
				t.Errorf("%s: went to %d, want %d", topic, r.Partition, want)
			}
		}
	}
	// A partition that isn't there fails that record, and no other.
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: ledger, Partition: 8}).FirstErr(); err == nil {
		t.Error("partition 8 of 8 was taken")
	}
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: ledger, Partition: 7}).FirstErr(); err != nil {
		t.Error(err)
	}
}

func BenchmarkPartitionFor(b *testing.B) {
	key := []byte("0198f4d2-5a1c-7c3e-9b1a-1f2e3d4c5b6a")
	b.ReportAllocs()
	for b.Loop() {
		PartitionFor(key, 12)
	}
}
