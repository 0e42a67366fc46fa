package kafka

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka/embedded"
)

// unusedAddr is an address that nobody listens on.
func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// lines is a log whose lines can be waited for.
type lines struct {
	mu      sync.Mutex
	b       bytes.Buffer
	written chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func clientAt(t *testing.T, addr string) *kgo.Client {
	t.Helper()
	return newClientOf(t, Connection{Brokers: []string{addr}})
}

func TestWaitForBroker(t *testing.T) {
	addr := unusedAddr(t)
	log := &lines{written: make(chan struct{}, 1)}
	done := make(chan error, 1)
	cl := clientAt(t, addr)
	ctx := testContext(t)
	go func() { done <- WaitForBroker(ctx, cl, slog.New(slog.NewTextHandler(log, nil))) }()

	<-log.written // It says what it waits for.
	if got := log.String(); !strings.Contains(got, addr) || !strings.Contains(got, "refused") {
		t.Errorf("got %s", got)
	}
	b, err := embedded.Start(embedded.Config{Addr: addr, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "Kafka is there") {
		t.Errorf("want one line for the wait and one for its end, got:\n%s", got)
	}
}

func TestWaitForBrokerThatIsThere(t *testing.T) { brokertest.Each(t, testWaitForBrokerThatIsThere) }

func testWaitForBrokerThatIsThere(t *testing.T, b brokertest.Broker) {
	log := &lines{written: make(chan struct{}, 1)}
	if err := WaitForBroker(testContext(t), newClient(t, b), slog.New(slog.NewTextHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); got != "" {
		t.Errorf("logged %s", got)
	}
}

func TestWaitForBrokerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	err := WaitForBroker(ctx, clientAt(t, unusedAddr(t)), slog.New(slog.DiscardHandler))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("want the deadline and the last reason, got %v", err)
	}
}

func TestBackoff(t *testing.T) {
	for try := range 100 {
		if d := backoff(try); d < leastBackoff/2 || d > mostBackoff {
			t.Errorf("try %d: %v", try, d)
		}
	}
	if d := backoff(0); d > leastBackoff {
		t.Errorf("the first: %v", d)
	}
	if d := backoff(99); d < mostBackoff/2 {
		t.Errorf("a late one: %v", d)
	}
}
