// Package brokertest gives tests a broker, and runs the same test on both that Skald runs on: the embedded one and Apache Kafka.
//
// Apache Kafka comes from its Maven artifacts and needs Java 17 and Maven; without them its half is skipped with a line that
// says so, unless SKALD_TEST_KAFKA=required. SKALD_TEST_BROKERS names a running broker to use instead. One broker serves
// a whole test binary: every test takes a namespace of its own. Tests of faults start a [Cluster] of their own, with as many
// nodes, listeners, users, ACLs and features as they need.
//
// Processes end with the test binary, even if that is killed; their folders are removed by it or by the next one.
//
// It may import internal/kafka/embedded, but not internal/kafka, whose tests use it. Start reading here, then cluster.go.
package brokertest

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/kafka/embedded"
)

// Broker is a broker to test against.
type Broker struct {
	Name     string // "embedded" or "apache"
	Addrs    []string
	Embedded bool
	Prefix   string // a namespace of the test's own
}

// Settle is the engine's setting that fits the broker: negative for none.
func (b Broker) Settle() time.Duration {
	if b.Embedded {
		return -1
	}
	return 0
}

var namespaces atomic.Int64

func prefix() string { return fmt.Sprintf("t%d-%d.", os.Getpid(), namespaces.Add(1)) }

// Each runs a test on both brokers.
func Each(t *testing.T, test func(t *testing.T, b Broker)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	t.Run("apache", func(t *testing.T) { test(t, Apache(t)) })
}

// Embedded starts an embedded broker for one test.
func Embedded(t testing.TB) Broker {
	t.Helper()
	broker, err := embedded.Start(embedded.Config{Addr: "127.0.0.1:0", Logger: Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Errorf("close the broker: %v", err)
		}
	})
	return Broker{Name: "embedded", Addrs: []string{broker.Addr()}, Embedded: true, Prefix: prefix()}
}

// Apache gives the test binary's Apache Kafka, or skips the test where there is none.
func Apache(t testing.TB) Broker {
	t.Helper()
	if addrs := os.Getenv("SKALD_TEST_BROKERS"); addrs != "" {
		return Broker{Name: "apache", Addrs: strings.Split(addrs, ","), Prefix: prefix()}
	}
	addr, err := shared()
	if err != nil {
		skip(t, err)
	}
	return Broker{Name: "apache", Addrs: []string{addr}, Prefix: prefix()}
}

// NewCluster starts a cluster for one test, or skips the test where there is no Apache Kafka.
func NewCluster(t testing.TB, nodes int, options ...Option) *Cluster {
	t.Helper()
	NeedsApache(t)
	c, err := StartCluster(nodes, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// NeedsApache skips the test where no Apache Kafka can be started.
func NeedsApache(t testing.TB) {
	t.Helper()
	if _, err := libraries(); err != nil {
		skip(t, err)
	}
}

// skip says why a test doesn't run, or fails it where it has to.
func skip(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("SKALD_TEST_KAFKA") == "required" {
		t.Fatalf("Apache Kafka is required: %v", why)
	}
	t.Skipf("SKIPPED on Apache Kafka: %v", why)
}

// Logger is quiet unless SKALD_TEST_DEBUG is set.
func Logger() *slog.Logger {
	level := slog.LevelError
	if os.Getenv("SKALD_TEST_DEBUG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
