package skald_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// A thousand sagas halted by one cause: when that is mended, all are redriven by one request, redelivered once each, and completed.
// Who asks again is refused a thousand times.
func TestACauseIsRedriven(t *testing.T) { brokertest.Each(t, testRedriveCause) }

func testRedriveCause(t *testing.T, broker brokertest.Broker) {
	const sagas = 1000
	cfg := configFor(broker)
	b := newBook()
	mended := make(chan struct{})
	b.behave = func(_ context.Context, step, _ string, _ int) error {
		select {
		case <-mended:
		default:
			if step == "grant" {
				return skald.Poison(errors.New("the directory has no such group"))
			}
		}
		return nil
	}
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	started := make([]*skald.Saga, sagas)
	var wg sync.WaitGroup
	for i := range started {
		wg.Go(func() {
			var err error
			if started[i], err = plain.Start(testContext(t), client, newUser{fmt.Sprint("user", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	b.await(t, "a first attempt for everybody", func() bool { return triesAt(b, "grant ") == sagas })
	var requests []skald.Request
	for _, l := range letters(t, client, sagas) {
		if !l.Halted || l.Service != "authorizer" || l.Error != "the directory has no such group" {
			t.Fatalf("a letter of another cause: %+v", l)
		}
		requests = append(requests, skald.Redrive(l, "the group is there now"))
	}
	close(mended)
	admitted := accepted(ask(t, client, requests...))
	completed := 0
	for _, saga := range started {
		if o, err := saga.Wait(testContext(t)); err == nil && o.Outcome == wire.Completed {
			completed++
		}
	}
	b.mu.Lock()
	redelivered := triesAt(b, "grant ") - sagas
	b.mu.Unlock()
	t.Logf("%d requested, %d accepted, %d redelivered, %d completed", len(requests), admitted, redelivered, completed)
	if len(requests) != sagas || admitted != sagas || redelivered != sagas || completed != sagas {
		t.Errorf("want %d each", sagas)
	}
	if again := accepted(ask(t, client, requests...)); again != 0 {
		t.Errorf("%d letters were admitted twice", again)
	}
}

func triesAt(b *book, step string) (n int) {
	for what, tries := range b.tries {
		if strings.HasPrefix(what, step) {
			n += tries
		}
	}
	return n
}

func accepted(answers []skald.Answer) (n int) {
	for _, a := range answers {
		if a.Accepted {
			n++
		}
	}
	return n
}
