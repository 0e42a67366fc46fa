package engine_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

// faultyWorld is a namespace on a broker that can be told to fail.
func faultyWorld(t *testing.T, partitions int32, topics ...string) (*world, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := brokertest.Broker{Name: "kfake", Addrs: cluster.ListenAddrs(), Embedded: true}
	return newWorld(t, b, partitions, topics...), cluster
}

// abortNext makes the group's coordinator refuse the offsets of so many transactions, in a way that lets the session go on:
// the transaction is aborted and End returns no error.
func abortNext(cluster *kfake.Cluster, n int, when func(*kmsg.TxnOffsetCommitRequest) bool) *kfake.FaultHandle {
	return cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.RebalanceInProgress, Count: n,
		When: func(r kmsg.Request) bool { return when == nil || when(r.(*kmsg.TxnOffsetCommitRequest)) },
	})
}

// commits says whether a transaction consumed from a topic.
func commits(topic string) func(*kmsg.TxnOffsetCommitRequest) bool {
	return func(r *kmsg.TxnOffsetCommitRequest) bool {
		for _, t := range r.Topics {
			if t.Topic == topic {
				return true
			}
		}
		return false
	}
}

func awaitHits(t *testing.T, h *kfake.FaultHandle, n int) {
	t.Helper()
	ctx, cancel := testContext(t)
	defer cancel()
	if err := h.Wait(ctx, n); err != nil {
		t.Fatalf("the fault was met %d times, want %d", h.Hits(), n)
	}
}
