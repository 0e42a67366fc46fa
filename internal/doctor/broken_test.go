package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

// createOn makes a topic whose replicas are on given brokers.
func (w *world) createOn(topic string, configs map[string]string, partitions ...[]int32) {
	w.t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = w.namespace.Topic(topic), -1, -1
	for p, replicas := range partitions {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(p), replicas
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	for name, value := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		t.Configs = append(t.Configs, c)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(testContext(w.t), w.client)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		w.t.Fatal(err)
	}
}

// until examines again and again, until the findings are what is waited for.
func (w *world) until(what string, ok func([]Finding) bool) []Finding {
	w.t.Helper()
	ctx := testContext(w.t)
	for {
		findings := Examine(ctx, w.cfg)
		if ok(findings) {
			return findings
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			w.t.Fatalf("waiting until %s; there is:\n%s", what, listed(findings))
		}
	}
}

func none(check string, severity Severity, says string) func([]Finding) bool {
	return func(findings []Finding) bool { return !some(check, severity, says)(findings) }
}

func some(check string, severity Severity, says string) func([]Finding) bool {
	return func(findings []Finding) bool {
		for _, f := range findings {
			if f.Check == check && f.Severity == severity && strings.Contains(f.Text, says) {
				return true
			}
		}
		return false
	}
}

// One cluster goes from bad to worse, and each fix is typed as it is printed.
func TestBrokenCluster(t *testing.T) {
	cluster := brokertest.NewCluster(t, 3, brokertest.WithFeature("transaction.version", 1))
	w := newWorld(t, cluster.Addrs(), "")
	w.createOn("hello", map[string]string{"min.insync.replicas": "2"}, []int32{2, 3}, []int32{1, 3})
	w.createOn("greeted", nil, []int32{1, 2, 3}, []int32{2, 3, 1})
	w.createOn("skald.greeter.inbox", nil, []int32{1}, []int32{3})
	w.createOn("skald.greeter.ledger", map[string]string{"min.insync.replicas": "3"}, []int32{1, 2}, []int32{2, 1})
	w.create(2, map[string]string{"min.insync.replicas": "2"}, "skald.outcomes", "skald.cancel")
	w.create(1, map[string]string{"min.insync.replicas": "2", stampType: onAppend}, "skald.services")
	w.announce(0)
	findings := w.examine()
	t.Log("at first:\n" + listed(findings))

	// What is wrong without anything being down.
	version := find(t, findings, "transactions", Problem, "transaction.version is 1, and has to be 2")
	impossible := find(t, findings, "replicas", Problem, "above the number of replicas", "2 partitions: skald.greeter.ledger (0,1)")
	carefree := find(t, findings, "replicas", Warning, "min.insync.replicas is 1", "greeted (0,1)")
	find(t, findings, "replicas", Warning, "one replica each", "skald.greeter.inbox (0,1)")
	find(t, findings, "clocks", OK, "3 brokers")
	allWell(t, findings, "brokers", "registry", "topics")
	for _, f := range []Finding{version, impossible, carefree} {
		follow(t, f.Fix)
	}
	// Kafka's own topic came into being with the first look at groups.
	follow(t, find(t, w.examine(), "replicas", Warning, "min.insync.replicas is 1", "__consumer_offsets").Fix)
	w.until("only the single replicas are left", func(findings []Finding) bool {
		return none("transactions", Problem, "")(findings) && none("replicas", Problem, "")(findings) && none("replicas", Warning, "min.insync")(findings)
	})

	// A broker goes down: what needs it stands still, the rest goes on.
	cluster.Nodes[2].Kill()
	findings = w.until("broker 3 is down", some("brokers", Problem, "broker 3 ("))
	t.Log("without broker 3:\n" + listed(findings))
	gone := find(t, findings, "brokers", Problem, "broker 3 (", "is down")
	unmet := find(t, findings, "replicas", Problem, "fewer replicas in sync than min.insync.replicas", "2 partitions: hello (0,1)")
	find(t, findings, "replicas", Problem, "no leader", "skald.greeter.inbox (1)")
	find(t, findings, "replicas", Warning, "out of sync", "greeted (0,1)")
	if !strings.HasPrefix(unmet.Fix, "start broker 3;") {
		t.Errorf("the fix: %s", unmet.Fix)
	}

	// It is taken away for good: assignments to an ID that isn't there.
	follow(t, gone.Fix)
	findings = w.until("broker 3 is unknown", some("replicas", Problem, "which the cluster does not know"))
	t.Log("with broker 3 unknown:\n" + listed(findings))
	stray := find(t, findings, "replicas", Problem, "broker 3, which the cluster does not know, is to hold replicas of", "hello (0,1)", "greeted (0,1)")
	lost := find(t, findings, "replicas", Problem, "broker 3, which the cluster does not know, is alone to hold", "skald.greeter.inbox (1)")
	allWell(t, findings, "brokers")
	follow(t, stray.Fix)
	follow(t, lost.Fix)
	w.createOn("skald.greeter.inbox", nil, []int32{1}, []int32{2})
	findings = w.until("replicas are where they can be", none("replicas", Problem, ""))

	// A second copy for what has one.
	single := find(t, findings, "replicas", Warning, "one replica each", "skald.greeter.inbox (0,1)")
	follow(t, single.Fix)
	findings = w.until("all is well", func(findings []Finding) bool {
		return none("replicas", Warning, "")(findings) && none("replicas", Problem, "")(findings)
	})
	t.Log("mended:\n" + listed(findings))
	allWell(t, findings, allChecks...)
}
