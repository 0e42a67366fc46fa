package skald_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
)

// BenchmarkBesideASlowSaga measures what sagas take, at 100/s, without and beside one whose handler sleeps for 10 s, in turns. Its
// figures are the medians of the rounds.
func BenchmarkBesideASlowSaga(b *testing.B) {
	for _, broker := range []func(testing.TB) brokertest.Broker{brokertest.Embedded, brokertest.Apache} {
		at := broker(b)
		b.Run(at.Name, func(b *testing.B) { benchmarkBesideASlowSaga(b, at) })
	}
}

func benchmarkBesideASlowSaga(b *testing.B, at brokertest.Broker) {
	const slow = 10 * time.Second
	cfg := configFor(at)
	c := &chain{calls: map[string]int{}, delay: func(step, name string) time.Duration {
		if step == "grant" && strings.HasPrefix(name, "slow") {
			return slow
		}
		return 0
	}}
	run(b, cfg, c.services()...)
	client, err := skald.NewClient(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	waitForTopics(ctx, b, client)
	quiet, beside := &figures{}, &figures{}
	for i := 0; b.Loop(); i++ {
		quiet.add(b, openLoop(ctx, b, client, 1000))
		var wg sync.WaitGroup
		wg.Go(func() {
			saga, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("slow", i)})
			if err == nil {
				_, err = saga.Wait(ctx)
			}
			if err != nil {
				b.Error(err)
			}
		})
		beside.add(b, openLoop(ctx, b, client, 1000))
		wg.Wait()
	}
	b.ReportMetric(median(quiet.p50), "p50-ms")
	b.ReportMetric(median(beside.p50), "beside-p50-ms")
	b.ReportMetric(median(quiet.p99), "p99-ms")
	b.ReportMetric(median(beside.p99), "beside-p99-ms")
	b.ReportMetric(median(beside.p99)/median(quiet.p99), "p99-ratio")
}

type figures struct{ p50, p99 []float64 }

func (f *figures) add(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	at := func(p int) float64 { return float64(took[len(took)*p/100].Microseconds()) / 1000 }
	f.p50, f.p99 = append(f.p50, at(50)), append(f.p99, at(99))
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// openLoop starts n sagas, one every 10 ms whatever the others do, and gives what each took.
func openLoop(ctx context.Context, b *testing.B, client *skald.Client, n int) []time.Duration {
	b.Helper()
	took := make([]time.Duration, n)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var wg sync.WaitGroup
	for i := range n {
		<-tick.C
		wg.Go(func() {
			began := time.Now()
			saga, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("user", i)})
			if err == nil {
				_, err = saga.Wait(ctx)
			}
			if err != nil {
				b.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	wg.Wait()
	return took
}
