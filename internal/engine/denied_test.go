package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
)

// What no new session can mend ends the service, with a line that says who lacks which access to what, and the command that gives it.
func TestAccessThatIsRefusedEndsTheService(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault kfake.Fault
		says  []string
	}{
		{"the transactional ID", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TxnID: "skald.worker.one", Err: kerr.TransactionalIDAuthorizationFailed},
			[]string{`transactional-id "skald.worker.*"`, "--resource-pattern-type prefixed --transactional-id skald.worker."}},
		{"the group", kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.GroupAuthorizationFailed},
			[]string{`group "skald.worker"`, "--group skald.worker"}},
		{"an output", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.TopicAuthorizationFailed},
			[]string{`topic "out"`, "--operation Write", "--topic out"}},
		{"the inputs", kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "in", Err: kerr.TopicAuthorizationFailed},
			[]string{`topic "in"`, "--operation Read", "--topic in"}},
		{"the ends of topics", kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.TopicAuthorizationFailed},
			[]string{"a topic", "--operation Describe"}},
		{"the ledger", kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "skald.worker.ledger", Err: kerr.TopicAuthorizationFailed, When: fromStart},
			[]string{`topic "skald.worker.ledger"`, "--operation Read", "--topic skald.worker.ledger"}},
		{"the offsets of the group", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.GroupAuthorizationFailed},
			[]string{"a group", "--operation Read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, cluster := faultyWorld(t, 1, "in", "out", "skald.worker.inbox", "skald.worker.ledger", "skald.outcomes", "skald.cancel", "skald.services", "skald.dlq")
			w.starts("in", 5)
			test.fault.Count = -1
			cluster.Fault(test.fault)
			err := w.run(w.config(), newHandlers().worker()).wait()
			explained, ok := errors.AsType[*kafka.ExplainedError](err)
			if !ok || explained.Retry || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			for _, want := range append(test.says, w.b.Addrs[0], "an ACL is missing", "kafka-acls.sh") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it lacks %q: %v", want, err)
				}
			}
		})
	}
}

// fromStart picks the requests for where a log starts, which only a replay asks for.
func fromStart(r kmsg.Request) bool {
	return r.(*kmsg.ListOffsetsRequest).Topics[0].Partitions[0].Timestamp == -2
}

// Somebody gives a topic more partitions under a service that runs.
func TestTopicThatGrewIsRefused(t *testing.T) { brokertest.Each(t, testTopicThatGrew) }

func testTopicThatGrew(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	h := newHandlers()
	cfg := w.config()
	cfg.Upkeep.LookEvery = 50 * time.Millisecond
	running := w.run(cfg, h.worker())
	w.members("worker", 1)
	sagas := w.starts("in", 10)
	w.await("out", len(sagas))
	ctx, cancel := testContext(t)
	defer cancel()
	topic := w.ns.Topic("in")
	grown, err := kadm.NewClient(w.client).UpdatePartitions(ctx, 3, topic)
	if err == nil {
		err = grown[topic].Err
	}
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "the one that ran", running.wait(), topic)
	other := w.config()
	other.Instance = "two"
	refused(t, "a newcomer", w.run(other, newHandlers().worker()).wait(), topic)
	w.expectOnce("out", sagas)
}

func refused(t *testing.T, who string, err error, topic string) {
	t.Helper()
	count, ok := errors.AsType[*kafka.PartitionCountError](err)
	if !ok || count.Topic != topic || count.Have != 3 || count.Want != 2 {
		t.Errorf("%s: got %v", who, err)
	}
}

// Before Kafka 4.0 what is left of an aborted transaction can end up in the next one.
func TestOldTransactionsAreRefused(t *testing.T) {
	cluster := brokertest.NewCluster(t, 1, brokertest.WithFeature("transaction.version", 1))
	w := newWorld(t, brokertest.Broker{Name: "apache", Addrs: cluster.Addrs()}, 1, "in", "out")
	err := w.run(w.config(), newHandlers().worker()).wait()
	old, ok := errors.AsType[*kafka.OldTransactionsError](err)
	if !ok || old.Finalized != 1 || old.Supported != 2 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{cluster.Addrs()[0], "kafka-features.sh", "--feature transaction.version=2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it lacks %q: %v", want, err)
		}
	}
	cfg := w.config()
	cfg.AllowOldTransactions = true
	w.run(cfg, newHandlers().worker())
	sagas := w.starts("in", 10)
	w.await("out", len(sagas))
}
