package skald_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
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

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }

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

func TestSagasGoRoundTheLoop(t *testing.T) { brokertest.Each(t, testSagasGoRoundTheLoop) }

func testSagasGoRoundTheLoop(t *testing.T, b brokertest.Broker) {
	cfg := configFor(b)
	c := &chain{calls: map[string]int{}}
	run(t, cfg, c.services()...)
	client, err := skald.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	waitForTopics(ctx, t, client)

	const n = 500
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			saga, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("user", i)})
			if err != nil {
				t.Error(err)
				return
			}
			outcome, err := saga.Wait(ctx)
			if err != nil || outcome.Outcome != "completed" {
				t.Errorf("saga %s: %+v, %v", saga.ID(), outcome, err)
			}
		})
	}
	wg.Wait()
	if got := len(c.calls); got != 4*(n+1) { // and the one of waitForTopics
		t.Errorf("%d different handler calls, want %d", got, 4*(n+1))
	}
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
