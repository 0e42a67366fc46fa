package skald_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
)

// BenchmarkBesideRetryingSagas measures what sagas take, at 100/s, without and beside a thousand whose step fails again and again, in
// turns. Its figures are the medians of the rounds; retries/s is how often the failing step was tried meanwhile.
func BenchmarkBesideRetryingSagas(b *testing.B) {
	for _, broker := range []func(testing.TB) brokertest.Broker{brokertest.Embedded, brokertest.Apache} {
		at := broker(b)
		b.Run(at.Name, func(b *testing.B) { benchmarkBesideRetryingSagas(b, at) })
	}
}

// ailing is a step that fails for some until it is healed.
type ailing struct {
	mu      sync.Mutex
	healed  bool
	tries   int
	changed chan struct{}
}

func (a *ailing) grant(_ context.Context, in authorize) (notify, error) {
	if !strings.HasPrefix(in.Name, "ailing") {
		return notify{in.Name, in.Device, "vpn"}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tries++
	close(a.changed)
	a.changed = make(chan struct{})
	if a.healed {
		return notify{in.Name, in.Device, "vpn"}, nil
	}
	return notify{}, errors.New("the directory is slow today")
}

func (a *ailing) set(healed bool) (tries int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tries = a.tries
	a.healed = healed
	return tries
}

func (a *ailing) await(ctx context.Context, b *testing.B, tries int) {
	for {
		a.mu.Lock()
		n, changed := a.tries, a.changed
		a.mu.Unlock()
		if n >= tries {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			b.Fatalf("%d tries, want %d: %v", n, tries, ctx.Err())
		}
	}
}

func benchmarkBesideRetryingSagas(b *testing.B, at brokertest.Broker) {
	const retrying, measured = 1000, 2000
	cfg := configFor(at)
	c := &chain{calls: map[string]int{}}
	a := &ailing{changed: make(chan struct{})}
	services := c.services()
	policy := skald.DefaultRetry
	policy.Attempts = 1000
	services[1] = skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, a.grant).Retry(policy))
	run(b, cfg, services...)
	client, err := skald.NewClient(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	waitForTopics(ctx, b, client)
	quiet, beside, tried, took := &figures{}, &figures{}, 0, time.Duration(0)
	for i := 0; b.Loop(); i++ {
		quiet.add(b, openLoop(ctx, b, client, measured))
		before := a.set(false)
		var wg sync.WaitGroup
		for n := range retrying {
			wg.Go(func() {
				saga, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("ailing", i, "-", n)})
				if err == nil {
					_, err = saga.Wait(ctx)
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		a.await(ctx, b, before+4*retrying) // by then they are tried as often as any that fail for minutes
		from, began := a.set(false), time.Now()
		beside.add(b, openLoop(ctx, b, client, measured))
		tried, took = tried+a.set(true)-from, took+time.Since(began)
		wg.Wait()
	}
	b.ReportMetric(median(quiet.p50), "p50-ms")
	b.ReportMetric(median(beside.p50), "beside-p50-ms")
	b.ReportMetric(median(quiet.p99), "p99-ms")
	b.ReportMetric(median(beside.p99), "beside-p99-ms")
	b.ReportMetric(median(beside.p99)/median(quiet.p99), "p99-ratio")
	b.ReportMetric(float64(tried)/took.Seconds(), "retries/s")
}
