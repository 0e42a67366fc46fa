package embedded

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func values(records []*kgo.Record) []string {
	vs := make([]string, 0, len(records))
	for _, r := range records {
		vs = append(vs, string(r.Value))
	}
	return vs
}

func TestProduceAndConsume(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b, kgo.ConsumeTopics("greetings"), kgo.DefaultProduceTopic("greetings"))
	createTopic(t, cl, 1, nil, "greetings")

	want := &kgo.Record{
		Key: []byte("k"), Value: []byte("hello"),
		Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte("1")}},
	}
	if err := cl.ProduceSync(testContext(t), want).FirstErr(); err != nil {
		t.Fatal(err)
	}
	got := pollRecords(t, cl, 1)[0]
	if string(got.Key) != "k" || string(got.Value) != "hello" {
		t.Errorf("got %q: %q", got.Key, got.Value)
	}
	if diff := cmp.Diff(want.Headers, got.Headers); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyCommittedTransactionsAreRead(t *testing.T) {
	b := startBroker(t)
	producer := newClient(t, b, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("t"))
	createTopic(t, producer, 1, nil, "t")
	ctx := testContext(t)

	for _, tx := range []struct {
		value string
		end   kgo.TransactionEndTry
	}{{"aborted", kgo.TryAbort}, {"committed", kgo.TryCommit}} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(ctx, kgo.StringRecord(tx.value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(ctx, tx.end); err != nil {
			t.Fatal(err)
		}
	}

	committed := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if diff := cmp.Diff([]string{"committed"}, values(pollRecords(t, committed, 1))); diff != "" {
		t.Errorf("read_committed: %s", diff)
	}
	uncommitted := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	if diff := cmp.Diff([]string{"aborted", "committed"}, values(pollRecords(t, uncommitted, 2))); diff != "" {
		t.Errorf("read_uncommitted: %s", diff)
	}
}

// Sizes that the engine relies on: Kafka's default takes a record of 1,030,000
// bytes, and a topic with a larger max.message.bytes takes more.
func TestRecordSizes(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b, kgo.ProducerBatchMaxBytes(8<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	large := "8388608"
	createTopic(t, cl, 1, nil, "ordinary")
	createTopic(t, cl, 1, map[string]*string{"max.message.bytes": &large}, "large")

	for _, test := range []struct {
		topic string
		size  int
		want  string
	}{
		{"ordinary", 1_030_000, ""},
		{"ordinary", 3_000_000, "MESSAGE_TOO_LARGE"},
		{"large", 3_000_000, ""},
		{"large", 8_300_000, ""},
	} {
		err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: test.topic, Value: bytes.Repeat([]byte("x"), test.size)}).FirstErr()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%d bytes to %q: got %v, want %q", test.size, test.topic, err, test.want)
		}
	}

	// A consumer whose limits are lower still gets what is there.
	consumer := newClient(t, b, kgo.ConsumeTopics("ordinary", "large"), kgo.FetchMaxBytes(1<<20), kgo.FetchMaxPartitionBytes(1<<20))
	if got := len(pollRecords(t, consumer, 3)); got != 3 {
		t.Errorf("got %d records", got)
	}
}

func TestTopicsAreNotCreatedByAsking(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "typo"}).FirstErr(); err == nil {
		t.Error("producing to a topic that nobody created worked")
	}
}

func TestDefaultPartitions(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b)
	createTopic(t, cl, -1, nil, "t")
	topics, err := kadm.NewClient(cl).ListTopics(testContext(t), "t")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topics["t"].Partitions); n != DefaultPartitions {
		t.Errorf("got %d partitions, want %d", n, DefaultPartitions)
	}
}

func TestClusterIDIsNewAtEachStart(t *testing.T) {
	ids := map[string]bool{}
	for range 2 {
		b := startBroker(t)
		meta, err := kadm.NewClient(newClient(t, b)).BrokerMetadata(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		ids[meta.Cluster] = true
	}
	if len(ids) != 2 {
		t.Errorf("got %v", ids)
	}
}

func TestAddressInMetadata(t *testing.T) {
	b := startBroker(t)
	brokers, err := kadm.NewClient(newClient(t, b)).ListBrokers(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(brokers) != 1 || b.Addr() != net.JoinHostPort(brokers[0].Host, strconv.Itoa(int(brokers[0].Port))) {
		t.Errorf("clients are told %v, the broker listens on %s", brokers, b.Addr())
	}
}

func TestRefusedAddresses(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":9092", "[::]:0", "192.168.0.1:9092", "example.com:9092", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000"} {
		b, err := Start(Config{Addr: addr})
		if err == nil {
			t.Errorf("%s: started on %s", addr, b.Addr())
			_ = b.Close()
		}
	}
}

func TestLocalhost(t *testing.T) {
	b, err := Start(Config{Addr: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !strings.HasPrefix(b.Addr(), "127.0.0.1:") {
		t.Errorf("listens on %s", b.Addr())
	}
}

func TestTakenPort(t *testing.T) {
	first := startBroker(t)
	second, err := Start(Config{Addr: first.Addr()})
	if err == nil {
		_ = second.Close()
		t.Fatal("two brokers on one port")
	}
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), first.Addr()) {
		t.Errorf("got %v", err)
	}
}

func TestCloseTwiceAndRestartOnTheSamePort(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b)
	if err := cl.Ping(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Start(Config{Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	// The same client finds its way to the new broker.
	if _, err := kadm.NewClient(cl).BrokerMetadata(testContext(t)); err != nil {
		t.Error(err)
	}
}
