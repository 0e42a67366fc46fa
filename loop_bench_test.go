package skald_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
)

// BenchmarkLoop measures whole sagas through three services in one process, with so many outstanding: ns/op is the time per
// saga, sagas/s its inverse.
func BenchmarkLoop(b *testing.B) {
	for _, broker := range []func(testing.TB) brokertest.Broker{brokertest.Embedded, brokertest.Apache} {
		at := broker(b)
		for _, outstanding := range []int{256, 4096} {
			b.Run(fmt.Sprintf("%s/outstanding=%d", at.Name, outstanding), func(b *testing.B) { benchmarkLoop(b, at, outstanding) })
		}
	}
}

func benchmarkLoop(b *testing.B, at brokertest.Broker, outstanding int) {
	cfg := configFor(at)
	c := &chain{calls: map[string]int{}}
	run(b, cfg, c.services()...)
	client, err := skald.NewClient(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	waitForTopics(ctx, b, client)
	places := make(chan struct{}, outstanding)
	var wg sync.WaitGroup
	for i := 0; b.Loop(); i++ {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			saga, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("user", i)})
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := saga.Wait(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
}
