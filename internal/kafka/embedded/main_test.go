package embedded

import (
	"context"
	"github.com/skald-saga/skald/internal/kafka"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startBroker runs a broker on a free port for the length of the test.
func startBroker(t testing.TB) *Broker {
	t.Helper()
	return startBrokerLogging(t, slog.New(slog.DiscardHandler))
}

func startBrokerLogging(t testing.TB, logger *slog.Logger) *Broker {
	t.Helper()
	b, err := Start(Config{Addr: "127.0.0.1:0", Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newClient(t testing.TB, b *Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kafka.NewReader(append([]kgo.Opt{
		kgo.SeedBrokers(b.Addr()),
		kgo.FetchMaxWait(100 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl.Client
}

func createTopic(t testing.TB, cl *kgo.Client, partitions int32, configs map[string]*string, topic string) {
	t.Helper()
	if _, err := kadm.NewClient(cl).CreateTopic(testContext(t), partitions, -1, configs, topic); err != nil {
		t.Fatal(err)
	}
}

// testContext ends before the test binary's own deadline would hide which test hangs.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// pollRecords polls until n records are there.
func pollRecords(t testing.TB, cl *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx := testContext(t)
	var got []*kgo.Record
	for len(got) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err0(); err != nil {
			t.Fatalf("polling: %v, after %d of %d records", err, len(got), n)
		}
		fs.EachError(func(topic string, p int32, err error) { t.Fatalf("fetching %s-%d: %v", topic, p, err) })
		got = append(got, fs.Records()...)
	}
	return got
}
