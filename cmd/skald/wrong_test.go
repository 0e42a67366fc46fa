package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/kafka/embedded"
	"github.com/skald-saga/skald/services/events"
)

// onboarding is an onboarding whose services do as a test tells them, with a console.
type onboarding struct {
	*instance

	authorize, release atomic.Pointer[error] // what the handlers return
	released           atomic.Int32
}

func (o *onboarding) authorizing(err error) { o.authorize.Store(&err) }
func (o *onboarding) releasing(err error)   { o.release.Store(&err) }

func startOnboarding(t *testing.T) *onboarding {
	t.Helper()
	broker, err := embedded.Start(embedded.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	o := &onboarding{instance: &instance{broker: broker.Addr()}}
	o.authorizing(nil)
	o.releasing(nil)
	joined := make(chan string, 3)
	cfg := skald.Config{Brokers: []string{broker.Addr()}, Joined: func(s string) { joined <- s }, Settle: -1}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- skald.Run(ctx, cfg, o.services()...) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	for range 3 {
		<-joined
	}
	line, err := background(t, "console", "--addr", "127.0.0.1:0", "--brokers", broker.Addr()).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	o.console = strings.TrimSpace(strings.TrimPrefix(line, "Skald console: "))
	return o
}

func (o *onboarding) services() []*skald.Service {
	return []*skald.Service{
		skald.NewService("provisioner",
			skald.Begin(events.Onboarding, events.AuthorizeTopic, func(_ context.Context, u events.NewUser) (events.Authorize, error) {
				return events.Authorize{User: events.User(u)}, nil
			}).Compensate(func(context.Context, events.NewUser, *events.Authorize) error {
				o.released.Add(1)
				return *o.release.Load()
			}),
			skald.End(events.Onboarding, func(context.Context, events.Notified) error { return nil })),
		skald.NewService("authorizer",
			skald.Step(events.AuthorizeTopic, events.NotifyTopic, func(_ context.Context, a events.Authorize) (events.Notify, error) {
				return events.Notify{User: a.User, Grants: []string{"vpn"}}, *o.authorize.Load()
			})),
		skald.NewService("notifier",
			skald.Step(events.NotifyTopic, events.NotifiedTopic, func(_ context.Context, n events.Notify) (events.Notified, error) {
				return events.Notified{User: n.User, MessageID: "1@example.com"}, nil
			})),
	}
}

// halted starts so many onboardings, which the authorizer gives up on, and gives their IDs when the console has seen that.
func (o *onboarding) halted(t *testing.T, n int, err error) []string {
	t.Helper()
	o.authorizing(skald.Poison(err))
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"name":"User %d","email":"user%d@example.com","department":"sales"}`+"\n", i, i)
	}
	code, out, errOut := o.skald(lines.String(), "start", "onboarding")
	if code != exitOK {
		t.Fatalf("start: %d %s", code, errOut)
	}
	ids := strings.Fields(out)
	eventually(t, "halted", func() bool { return len(o.letters(t)) >= n })
	return ids
}

// letters gives those that are halted.
func (o *onboarding) letters(t *testing.T, args ...string) []letter {
	t.Helper()
	code, out, errOut := o.skald("", append([]string{"dlq", "ls", "--json", "--limit", "1000", "--status", "halted"}, args...)...)
	var page struct {
		Letters []letter `json:"letters"`
	}
	if err := json.Unmarshal([]byte(out), &page); code != exitOK || err != nil {
		t.Fatalf("dlq ls: exit %d, %v, %s%s", code, err, out, errOut)
	}
	return page.Letters
}

func (o *onboarding) causes(t *testing.T) []cause {
	t.Helper()
	code, out, errOut := o.skald("", "dlq", "ls", "--json")
	var page causeList
	if err := json.Unmarshal([]byte(out), &page); code != exitOK || err != nil {
		t.Fatalf("dlq ls: exit %d, %v, %s%s", code, err, out, errOut)
	}
	return page.Causes
}

// want runs a command and wants its exit code and words in what it says.
func (o *onboarding) want(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	got, out, errOut := o.skald("", args...)
	if got != code || !strings.Contains(out+errOut, says) {
		t.Errorf("skald %s: exit %d, want %d, and %q in:\n%s%s", strings.Join(args, " "), got, code, says, out, errOut)
	}
	if args[0] == "dlq" {
		wantNarrow(t, out)
	}
}

func (o *onboarding) status(t *testing.T, id string) string {
	t.Helper()
	_, out, _ := o.skald("", "trace", id, "--json")
	var s api.Saga
	_ = json.Unmarshal([]byte(out), &s) // a saga that the console hasn't seen yet has none
	return s.Status
}

func (o *onboarding) becomes(t *testing.T, id, status string) {
	t.Helper()
	eventually(t, status, func() bool { return o.status(t, id) == status })
}

func TestDeadLettersOfACauseAreRedriven(t *testing.T) {
	o := startOnboarding(t)
	const n = 20
	ids := o.halted(t, n, errors.New("the directory has no such field"))
	all := o.causes(t)
	if len(all) != 1 || all[0].Halted != n || all[0].Service != "authorizer" || all[0].Class != "poison" {
		t.Fatalf("causes %+v", all)
	}
	o.want(t, exitOK, "  poison: the directory has no such field", "dlq", "ls")
	key := all[0].Cause
	o.want(t, exitOK, ids[3], "dlq", "ls", "--cause", key)
	o.want(t, exitOK, "user3@example.com", "dlq", "ls", "--cause", key)
	letters := o.letters(t, "--cause", key)
	o.want(t, exitOK, `"department": "sales"`, "dlq", "show", letters[0].place())
	if _, out, _ := o.skald("", "dlq", "show", letters[0].place()); strings.Contains(out, "dlq-") || strings.Contains(out, "kafka_dlt-") {
		t.Errorf("the event has headers of its letter:\n%s", out)
	}
	o.want(t, exitUsage, "no such dead letter", "dlq", "show", "0/999999")

	// Before it is mended one fails again, and a newer letter takes its place.
	canary := letters[len(letters)-1]
	o.want(t, exitOK, canary.place()+" halted-again", "dlq", "redrive", canary.place())
	o.want(t, exitFailure, "it was redriven or discarded before", "dlq", "redrive", canary.place())

	o.authorizing(nil)
	o.want(t, exitOK, "requested 20, redelivered 20, completed 20", "dlq", "redrive", "--cause", key, "--reason", "the field is back")
	for _, id := range ids {
		o.becomes(t, id, "completed")
	}
	o.want(t, exitFailure, "it was redriven or discarded before", "dlq", "redrive", letters[0].place())
	o.want(t, exitFailure, "it was redriven or discarded before", "dlq", "discard", letters[0].place(), "--reason", "too late")
	o.want(t, exitFailure, "no saga is halted by a dead letter of this cause any more", "dlq", "redrive", "--cause", key)
	o.want(t, exitOK, "nothing to redrive", "dlq", "redrive", "--all")
	o.want(t, exitFailure, "the saga has ended", "cancel", ids[0])
}

func TestADeadLetterIsDiscarded(t *testing.T) {
	o := startOnboarding(t)
	ids := o.halted(t, 2, errors.New("the directory has no such field"))
	o.want(t, exitOK, "accepted", "dlq", "discard", o.letters(t)[0].place(), o.letters(t)[1].place(), "--reason", "ordered twice")
	for _, id := range ids {
		o.becomes(t, id, "abandoned")
		o.want(t, exitOK, "ordered twice", "trace", id)
	}
	if n := o.released.Load(); n != 2 {
		t.Errorf("%d devices were given back, want 2", n)
	}
}

func TestSagasAreCancelledAndUnblocked(t *testing.T) {
	o := startOnboarding(t)
	ids := o.halted(t, 2, errors.New("the directory has no such field"))
	o.want(t, exitUsage, "no such saga", "cancel", "01a20d67-0d4a-7dab-93bd-90c6d23e60cb") // of no saga
	o.releasing(skald.Poison(errors.New("the warehouse is closed")))
	o.want(t, exitOK, "accepted", "cancel", ids[0], ids[1], "--reason", "she starts elsewhere")
	for _, id := range ids {
		o.becomes(t, id, "blocked")
	}
	o.want(t, exitOK, ids[0], "ls", "--status", "blocked")
	o.releasing(nil)
	o.want(t, exitOK, "accepted: it is tried again", "unblock", ids[0])
	o.want(t, exitOK, "accepted: taken as undone", "unblock", ids[1], "--resolved", "--reason", "carried back by hand")
	for _, id := range ids {
		o.becomes(t, id, "cancelled")
		o.want(t, exitOK, "she starts elsewhere", "trace", id)
	}
	o.want(t, exitFailure, "the saga has ended", "unblock", ids[0])
	o.want(t, exitFailure, "the saga has ended", "abandon", ids[0], "--reason", "why not")
}

// The same key starts the same saga.
func TestStartByKeyIsIdempotent(t *testing.T) {
	o := startOnboarding(t)
	var ids []string
	for range 2 {
		code, out, errOut := o.skald("", "start", "onboarding", ada, "--id", "hire-4711")
		if code != exitOK {
			t.Fatalf("exit %d, %s", code, errOut)
		}
		ids = append(ids, strings.TrimSpace(out))
	}
	if ids[0] != ids[1] {
		t.Errorf("sagas %s and %s, want one", ids[0], ids[1])
	}
	o.becomes(t, ids[0], "completed")
	_, out, _ := o.skald("", "ls", "--json")
	if n := strings.Count(out, `"id":`); n != 1 {
		t.Errorf("%d sagas, want one: %s", n, out)
	}
}
