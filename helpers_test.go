package skald_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

type newUser struct{ Name string }
type authorize struct{ Name, Device string }
type notify struct{ Name, Device, Grant string }
type notified struct{ Name string }

const (
	newUserTopic   skald.Topic[newUser]   = "new-user"
	authorizeTopic skald.Topic[authorize] = "authorize"
	notifyTopic    skald.Topic[notify]    = "notify"
	notifiedTopic  skald.Topic[notified]  = "notified"
)

var onboarding = skald.NewWorkflow("onboarding", newUserTopic, notifiedTopic).
	Subject(func(u newUser) string { return u.Name }).
	Deadline(time.Hour)

// chain is the flagship's shape with handlers that count their calls.
type chain struct {
	mu    sync.Mutex
	calls map[string]int // by idempotency key
	delay func(step string, name string) time.Duration
}

func (c *chain) called(ctx context.Context, step, name string) error {
	c.mu.Lock()
	c.calls[skald.IdempotencyKey(ctx)]++
	c.mu.Unlock()
	if c.delay == nil {
		return nil
	}
	select {
	case <-time.After(c.delay(step, name)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *chain) services() []*skald.Service {
	return []*skald.Service{
		skald.NewService("provisioner",
			skald.Begin(onboarding, authorizeTopic, func(ctx context.Context, in newUser) (authorize, error) {
				return authorize{in.Name, "device-" + in.Name}, c.called(ctx, "begin", in.Name)
			}),
			skald.End(onboarding, func(ctx context.Context, in notified) error { return c.called(ctx, "end", in.Name) }),
		),
		skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, in authorize) (notify, error) {
			return notify{in.Name, in.Device, "vpn"}, c.called(ctx, "grant", in.Name)
		})),
		skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, func(ctx context.Context, in notify) (notified, error) {
			return notified{in.Name}, c.called(ctx, "mail", in.Name)
		})),
	}
}

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

func configFor(b brokertest.Broker) skald.Config {
	return skald.Config{Brokers: b.Addrs, Prefix: b.Prefix, Partitions: 4, Settle: b.Settle(), Logger: brokertest.Logger()}
}

// run runs services until the test ends.
func run(t testing.TB, cfg skald.Config, services ...*skald.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- skald.Run(ctx, cfg, services...) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func waitForTopics(ctx context.Context, t testing.TB, client *skald.Client) {
	t.Helper()
	for {
		_, err := onboarding.Start(ctx, client, newUser{"first"})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// testTimeout bounds every wait of a test: what hasn't happened by then won't.
const testTimeout = 30 * time.Second

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// start runs services until stop is called, at the latest at the end of the test.
func start(t testing.TB, cfg skald.Config, services ...*skald.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = skald.Run(ctx, cfg, services...)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func newClient(t testing.TB, cfg skald.Config) *skald.Client {
	t.Helper()
	client, err := skald.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// outside is a client of the broker that is no part of Skald.
type outside struct {
	t      *testing.T
	cfg    skald.Config
	client *kgo.Client
}

func newOutside(t *testing.T, cfg skald.Config, topics ...string) *outside {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.MetadataMinAge(100*time.Millisecond), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	o := &outside{t: t, cfg: cfg, client: client}
	var specs []kafka.TopicSpec
	for _, topic := range topics {
		specs = append(specs, kafka.TopicSpec{Name: cfg.Prefix + topic, Partitions: cfg.Partitions})
	}
	if err := kafka.EnsureTopics(testContext(t), client, specs); err != nil {
		t.Fatal(err)
	}
	return o
}

// send produces a record with headers, given as pairs.
func (o *outside) send(topic, key, value string, headers ...string) {
	o.t.Helper()
	r := &kgo.Record{Topic: o.cfg.Prefix + topic, Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	if err := o.client.ProduceSync(testContext(o.t), r).FirstErr(); err != nil {
		o.t.Fatal(err)
	}
}

// received is a committed record, read as an event.
type received struct {
	*wire.Event
	key     string
	headers map[string]string
}

// await reads a topic from its start until it has n committed records.
func (o *outside) await(topic string, n int) []received {
	o.t.Helper()
	return o.read(topic, func(all []received, _ bool) bool { return len(all) >= n }, strconv.Itoa(n)+" records")
}

// all reads what is committed on a topic, to its end of now.
func (o *outside) all(topic string) []received {
	o.t.Helper()
	return o.read(topic, func(_ []received, atEnd bool) bool { return atEnd }, "the end")
}

func (o *outside) read(topic string, enough func(all []received, atEnd bool) bool, what string) []received {
	o.t.Helper()
	ctx := testContext(o.t)
	name := o.cfg.Prefix + topic
	ends, err := kadm.NewClient(o.client).ListCommittedOffsets(ctx, name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	starts, err := kadm.NewClient(o.client).ListStartOffsets(ctx, name) // a ledger may have been trimmed to its end
	if err != nil {
		o.t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(e kadm.ListedOffset) {
		if s, _ := starts.Lookup(name, e.Partition); s.Offset < e.Offset {
			left[e.Partition] = e.Offset
		}
	})
	reader, err := kafka.NewReader(kgo.SeedBrokers(o.cfg.Brokers...), kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		o.t.Fatal(err)
	}
	defer reader.Close()
	var all []received
	for !enough(all, len(left) == 0) {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			o.t.Fatalf("%s: read %d records, waited in vain for %s", topic, len(all), what)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			got := received{key: string(r.Key), headers: map[string]string{}}
			var headers []wire.Header
			for _, h := range r.Headers {
				got.headers[h.Key] = string(h.Value)
				headers = append(headers, wire.Header{Key: h.Key, Value: h.Value})
			}
			got.Event, _ = wire.Parse(headers, r.Value) // a dead letter may well be malformed
			all = append(all, got)
		}
	}
	return all
}
