package kafka

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

// A cluster that starts has fewer brokers than its replication factor for a while: topics are waited for, not given up.
func TestTopicsWaitForEnoughBrokers(t *testing.T) {
	c := brokertest.NewCluster(t, 2)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	said := &lines{written: make(chan struct{}, 1)}
	logger := slog.New(slog.NewTextHandler(said, nil))
	await := func(word string) {
		t.Helper()
		for !strings.Contains(said.String(), word) {
			select {
			case <-said.written:
			case <-ctx.Done():
				t.Fatalf("%q was not said, but:\n%s", word, said)
			}
		}
	}
	cl, err := kgo.NewClient(append(Connection{Brokers: c.Addrs(), Logger: logger}.Options(), kgo.MetadataMinAge(100*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	c.Nodes[1].Kill()
	gone := kmsg.NewPtrUnregisterBrokerRequest() // as if it had never been there: a broker that was may be given replicas
	gone.BrokerID = c.Nodes[1].ID
	if _, err := gone.RequestWith(ctx, cl); err != nil {
		t.Fatal(err)
	}
	ensured := make(chan error, 1)
	specs := []TopicSpec{{Name: "waited-for", Partitions: 2}}
	go func() { ensured <- EnsureTopics(ctx, cl, specs) }()
	await("INVALID_REPLICATION_FACTOR")
	awaited := make(chan error, 1)
	go func() { awaited <- AwaitTopics(ctx, cl, logger, "a test creates them", "waited-for") }()
	await("a test creates them")
	if err := c.Nodes[1].Start(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-ensured, <-awaited); err != nil {
		t.Fatal(err)
	}
	if err := CheckTopics(ctx, cl, specs); err != nil {
		t.Error(err)
	}
}
