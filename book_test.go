package skald_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
)

// book is the store of three services: what was done and undone, under which key, as skaldsql would keep it.
type book struct {
	mu      sync.Mutex
	done    map[string]bool
	undone  map[string]bool
	events  []string // "do grant ada", "undo grant ada", in order
	outs    map[string]bool
	tries   map[string]int
	changed chan struct{}

	// behave is what a step does for somebody: it is asked at each attempt, before the effect; nil does nothing.
	behave func(ctx context.Context, step, name string, attempt int) error
	// unbehave is the same for compensations.
	unbehave func(step, name string, attempt int) error
}

func newBook() *book {
	return &book{done: map[string]bool{}, undone: map[string]bool{}, outs: map[string]bool{}, tries: map[string]int{}, changed: make(chan struct{})}
}

type undoneError struct{}

func (undoneError) Error() string { return "undone before" }
func (undoneError) Undone() bool  { return true }

func (b *book) do(ctx context.Context, step, name string) error {
	b.mu.Lock()
	b.tries[step+" "+name]++
	b.tell()
	b.mu.Unlock()
	if b.behave != nil {
		if err := b.behave(ctx, step, name, skald.Attempt(ctx)); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := skald.IdempotencyKey(ctx)
	if b.undone[key] {
		return undoneError{}
	}
	if !b.done[key] {
		b.done[key] = true
		b.events = append(b.events, "do "+step+" "+name)
	}
	b.tell()
	return nil
}

// undo is given whether out was there.
func (b *book) undo(ctx context.Context, step, name string, out bool) error {
	b.mu.Lock()
	b.tries["undo "+step+" "+name]++
	b.tell()
	b.mu.Unlock()
	if b.unbehave != nil {
		if err := b.unbehave(step, name, skald.Attempt(ctx)); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := skald.IdempotencyKey(ctx)
	if b.done[key] && !b.undone[key] {
		b.events = append(b.events, "undo "+step+" "+name)
	}
	b.undone[key] = true
	b.outs[step+" "+name] = out
	b.tell()
	return nil
}

func (b *book) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// await waits until the condition holds.
func (b *book) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := testContext(t)
	for {
		b.mu.Lock()
		ok, changed := holds(), b.changed
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (b *book) awaitTries(t *testing.T, what string, n int) {
	t.Helper()
	b.await(t, fmt.Sprintf("%d attempts at %s", n, what), func() bool { return b.tries[what] >= n })
}

// of gives what was done for somebody, in order.
func (b *book) of(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		if what, ok := strings.CutSuffix(e, " "+name); ok {
			all = append(all, what)
		}
	}
	return all
}

func (b *book) expect(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := b.of(name); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// quick is a policy for tests.
var quick = skald.RetryPolicy{Attempts: 3, First: 10 * time.Millisecond, Factor: 2, Max: 50 * time.Millisecond}

// patient never gives up within a test, and lets a saga wait for its next attempt.
var patient = skald.RetryPolicy{Attempts: 1000, First: time.Hour, Factor: 1, Max: time.Hour}

func (b *book) provisioner(w *skald.Workflow[newUser, notified], retry skald.RetryPolicy) *skald.Service {
	return skald.NewService("provisioner",
		skald.Begin(w, authorizeTopic, func(ctx context.Context, in newUser) (authorize, error) {
			return authorize{in.Name, "device"}, b.do(ctx, "assign", in.Name)
		}).Compensate(func(ctx context.Context, in newUser, out *authorize) error {
			return b.undo(ctx, "assign", in.Name, out != nil && out.Device == "device")
		}).Retry(retry),
		skald.End(w, func(ctx context.Context, in notified) error { return b.do(ctx, "complete", in.Name) }).Retry(retry),
	)
}

func (b *book) authorizer(retry skald.RetryPolicy) *skald.Service {
	return skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, in authorize) (notify, error) {
		return notify{in.Name, in.Device, "vpn"}, b.do(ctx, "grant", in.Name)
	}).Compensate(func(ctx context.Context, in authorize, out *notify) error {
		return b.undo(ctx, "grant", in.Name, out != nil && out.Grant == "vpn")
	}).Retry(retry))
}

func (b *book) notifier(retry skald.RetryPolicy) *skald.Service {
	return skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, func(ctx context.Context, in notify) (notified, error) {
		return notified{in.Name}, b.do(ctx, "mail", in.Name)
	}).Retry(retry))
}

func (b *book) services(w *skald.Workflow[newUser, notified], retry skald.RetryPolicy) []*skald.Service {
	return []*skald.Service{b.provisioner(w, retry), b.authorizer(retry), b.notifier(retry)}
}

var errBroken = errors.New("it is broken")

// is says whether a step and a name are these.
func is(step, name, wantStep, wantName string) bool { return step == wantStep && name == wantName }
