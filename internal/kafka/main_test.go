package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/brokertest"
)

func TestMain(m *testing.M) {
	code := brokertest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func newClient(t *testing.T, b brokertest.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return newClientOf(t, Connection{Brokers: b.Addrs}, opts...)
}

func newClientOf(t *testing.T, c Connection, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c.ClientID, c.Logger = t.Name(), slog.New(slog.DiscardHandler)
	cl, err := NewReader(append(c.Options(), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl.Client
}

// testContext ends before the test binary's own deadline would hide which test hangs.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
