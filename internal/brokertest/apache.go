package brokertest

import (
	"maps"
	"slices"
	"sync"
	"testing"
)

// running is the broker that the tests of a binary share.
var running struct {
	once  sync.Once
	kafka *Kafka
	err   error
}

// shared starts Apache Kafka at its first call. Main stops it.
func shared() (string, error) {
	running.once.Do(func() { running.kafka, running.err = StartKafka() })
	if running.err != nil {
		return "", running.err
	}
	return running.kafka.Addr, nil
}

// clusters are those that run now.
var clusters struct {
	mu  sync.Mutex
	all map[*Cluster]bool
}

func remember(c *Cluster) {
	clusters.mu.Lock()
	defer clusters.mu.Unlock()
	if clusters.all == nil {
		clusters.all = map[*Cluster]bool{}
	}
	clusters.all[c] = true
}

func forget(c *Cluster) {
	clusters.mu.Lock()
	defer clusters.mu.Unlock()
	delete(clusters.all, c)
}

// Main is for TestMain of packages that use Apache Kafka: it runs the tests and stops every broker that still runs. It gives the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	clusters.mu.Lock()
	left := slices.Collect(maps.Keys(clusters.all))
	clusters.mu.Unlock()
	for _, c := range left {
		c.Stop()
	}
	return code
}
