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
