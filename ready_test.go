package skald_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
)

// A start waits for topics that nobody has created yet. When it is given up it says which, and nothing was published.
func TestStartWithoutTopics(t *testing.T) { brokertest.Each(t, testStartWithoutTopics) }

func testStartWithoutTopics(t *testing.T, b brokertest.Broker) {
	cfg := configFor(b)
	client := newClient(t, cfg)
	ctx, cancel := context.WithTimeout(testContext(t), 300*time.Millisecond)
	defer cancel()
	saga, err := ordering.Start(ctx, client, order{"pen", 1})
	if notReady := (*skald.NotReadyError)(nil); saga != nil || !errors.As(err, &notReady) || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), cfg.Prefix+"order") || !strings.Contains(err.Error(), cfg.Prefix+"skald.outcomes") {
		t.Errorf("got %v, %v; want a NotReadyError that names the topics", saga, err)
	}

	// Many may wait at once, and whoever still does when the services come is served.
	errs := make(chan error, 10)
	for range cap(errs) {
		go func() {
			saga, err := ordering.Start(testContext(t), client, order{"pen", 1})
			if err == nil {
				_, err = saga.Wait(testContext(t))
			}
			errs <- err
		}()
	}
	start(t, cfg, shop())
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// Closing a client ends the starts that wait, and may be done twice.
func TestCloseEndsWaitingStarts(t *testing.T) { brokertest.Each(t, testCloseEndsWaitingStarts) }

func testCloseEndsWaitingStarts(t *testing.T, b brokertest.Broker) {
	client, err := skald.NewClient(configFor(b))
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 2)
	for range cap(errs) {
		go func() {
			_, err := ordering.Start(testContext(t), client, order{"pen", 1})
			errs <- err
		}()
	}
	client.Close()
	client.Close()
	for range cap(errs) {
		if err := <-errs; err == nil {
			t.Error("started without topics")
		} else if !strings.Contains(err.Error(), "closed") {
			t.Errorf("got %v, want a word on the closed client", err)
		}
	}
}
