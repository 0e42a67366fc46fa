package embedded

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the engine does for each hop: consume, produce and commit the offsets in
// one transaction, with offsets of another topic on top as a fence.
func TestConsumeProduceCommit(t *testing.T) {
	b := startBroker(t)
	ctx := testContext(t)
	admin := newClient(t, b)
	for _, topic := range []string{"in", "out", "ledger"} {
		createTopic(t, admin, 1, nil, topic)
	}
	if err := admin.ProduceSync(ctx, &kgo.Record{Topic: "in", Value: []byte("a")}).FirstErr(); err != nil {
		t.Fatal(err)
	}

	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(b.Addr()),
		kgo.ConsumerGroup("service"), kgo.ConsumeTopics("in"), kgo.TransactionalID("service-0"),
		kgo.SessionTimeout(time.Second), kgo.HeartbeatInterval(100*time.Millisecond),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()

	if fs := session.PollFetches(ctx); fs.Err() != nil {
		t.Fatal(fs.Err())
	}
	if err := session.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := session.ProduceSync(ctx, &kgo.Record{Topic: "out", Value: []byte("b")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fenced := kgo.PreTxnCommitFnContext(ctx, func(req *kmsg.TxnOffsetCommitRequest) error {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = 0, 42
		topic := kmsg.NewTxnOffsetCommitRequestTopic()
		topic.Topic, topic.Partitions = "ledger", []kmsg.TxnOffsetCommitRequestTopicPartition{p}
		req.Topics = append(req.Topics, topic)
		return nil
	})
	if committed, err := session.End(fenced, kgo.TryCommit); err != nil || !committed {
		t.Fatalf("committed %v, %v", committed, err)
	}

	offsets, err := kadm.NewClient(admin).FetchOffsets(ctx, "service")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	offsets.Each(func(o kadm.OffsetResponse) { got[o.Topic] = o.At })
	if diff := cmp.Diff(map[string]int64{"in": 1, "ledger": 42}, got); diff != "" {
		t.Error(diff)
	}
}

// A zombie whose group has moved on can't commit: its generation is checked.
func TestTransactionOfAnOldGenerationIsRefused(t *testing.T) {
	b := startBroker(t)
	ctx := testContext(t)
	cl := newClient(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("in"), kgo.DisableAutoCommit())
	createTopic(t, cl, 1, nil, "in")
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "in"}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	pollRecords(t, cl, 1)
	member, generation := cl.GroupMetadata()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, "in")
	if err != nil {
		t.Fatal(err)
	}

	producer := newClient(t, b, kgo.TransactionalID("tx"))
	id, epoch, err := producer.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(generation int32) error {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Offset = 1
		topic := kmsg.NewTxnOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID, topic.Partitions = "in", topics["in"].ID, []kmsg.TxnOffsetCommitRequestTopicPartition{p}
		req := kmsg.NewPtrTxnOffsetCommitRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = "tx", id, epoch
		req.Group, req.MemberID, req.Generation = "g", member, generation
		req.Topics = []kmsg.TxnOffsetCommitRequestTopic{topic}
		resp, err := req.RequestWith(ctx, producer)
		if err != nil {
			t.Fatal(err)
		}
		return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err := commit(generation - 1); !errors.Is(err, kerr.IllegalGeneration) {
		t.Errorf("the generation before: got %v", err)
	}
	if err := commit(generation); err != nil {
		t.Errorf("the current generation: got %v", err)
	}
}

func TestDeleteRecordsAndListOffsets(t *testing.T) {
	b := startBroker(t)
	ctx := testContext(t)
	cl := newClient(t, b, kgo.DefaultProduceTopic("t"))
	createTopic(t, cl, 1, nil, "t")
	adm := kadm.NewClient(cl)

	start := time.Now()
	for range 5 {
		if err := cl.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 3, -1)
	if _, err := adm.DeleteRecords(ctx, offsets); err != nil {
		t.Fatal(err)
	}

	got := map[string]int64{}
	for name, list := range map[string]func() (kadm.ListedOffsets, error){
		"start":     func() (kadm.ListedOffsets, error) { return adm.ListStartOffsets(ctx, "t") },
		"end":       func() (kadm.ListedOffsets, error) { return adm.ListEndOffsets(ctx, "t") },
		"committed": func() (kadm.ListedOffsets, error) { return adm.ListCommittedOffsets(ctx, "t") },
		"by time": func() (kadm.ListedOffsets, error) {
			return adm.ListOffsetsAfterMilli(ctx, start.Add(-time.Hour).UnixMilli(), "t")
		},
	} {
		listed, err := list()
		if err != nil {
			t.Fatal(err)
		}
		o, _ := listed.Lookup("t", 0)
		if o.Err != nil {
			t.Error(o.Err)
		}
		got[name] = o.Offset
	}
	if diff := cmp.Diff(map[string]int64{"start": 3, "end": 5, "committed": 5, "by time": 3}, got); diff != "" {
		t.Error(diff)
	}
}

// Exactly-once leans on transaction.version 2 (KIP-890); the engine refuses
// brokers that don't announce it.
func TestTransactionVersion(t *testing.T) {
	b := startBroker(t)
	versions, err := kadm.NewClient(newClient(t, b)).ApiVersions(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		for _, f := range v.Raw().FinalizedFeatures {
			if f.Name == "transaction.version" && f.MaxVersionLevel >= 2 {
				return
			}
		}
	}
	t.Error("transaction.version 2 isn't announced")
}
