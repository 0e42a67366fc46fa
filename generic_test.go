package skald_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

type seen struct{ What string }

const (
	leaverTopic skald.Topic[newUser]  = "leaver"
	leftTopic   skald.Topic[notified] = "left"
	seenTopic   skald.Topic[seen]     = "seen"
	secretTopic skald.Topic[seen]     = "secret"
)

var offboarding = skald.NewWorkflow("offboarding", leaverTopic, leftTopic)

// Two workflows share the steps in the middle; each saga goes home to its own initiator.
func TestGenericStepServesTwoWorkflows(t *testing.T) { brokertest.Each(t, testTwoWorkflows) }

func testTwoWorkflows(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	c := &chain{calls: map[string]int{}}
	services := c.services()
	services[2] = skald.NewService("notifier",
		skald.Step(notifyTopic, notifiedTopic, func(_ context.Context, in notify) (notified, error) { return notified{in.Name}, nil }).For(offboarding, leftTopic))
	services = append(services, skald.NewService("leavers",
		skald.Begin(offboarding, authorizeTopic, func(_ context.Context, in newUser) (authorize, error) { return authorize{Name: in.Name}, nil }),
		skald.End(offboarding, func(context.Context, notified) error { return nil }),
	))
	start(t, cfg, services...)
	client := newClient(t, cfg)
	ctx := testContext(t)
	waitForTopics(ctx, t, client)
	var sagas []*skald.Saga
	for i := range 20 {
		joiner, err := onboarding.Start(ctx, client, newUser{fmt.Sprint("joiner ", i)})
		if err != nil {
			t.Fatal(err)
		}
		leaver, err := offboarding.Start(ctx, client, newUser{fmt.Sprint("leaver ", i)})
		if err != nil {
			t.Fatal(err)
		}
		sagas = append(sagas, joiner, leaver)
	}
	for _, saga := range sagas {
		if o, err := saga.Wait(ctx); err != nil || o.Outcome != wire.Completed {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	o := newOutside(t, cfg)
	for topic, name := range map[string]string{"notified": "joiner", "left": "leaver"} {
		for _, r := range o.all(topic) {
			if !strings.Contains(string(r.Payload), name) && !strings.Contains(string(r.Payload), "first") {
				t.Errorf("%s has %s", topic, r.Payload)
			}
		}
	}
}

// An event of no saga is served all the same; its output belongs to none either and keeps the producer's key.
func TestGenericStepServesEventsOfNoSaga(t *testing.T) { brokertest.Each(t, testNoSaga) }

func testNoSaga(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	o := newOutside(t, cfg, "authorize", "notify")
	keys := make(chan string, 10)
	start(t, cfg, skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, in authorize) (notify, error) {
		if in.Name == "bad" {
			return notify{}, errors.New("no such user")
		}
		if skald.SagaID(ctx) != "" || skald.Attempt(ctx) != 1 || skald.IdempotencyKey(ctx) == "" {
			t.Errorf("saga %q, attempt %d, key %q", skald.SagaID(ctx), skald.Attempt(ctx), skald.IdempotencyKey(ctx))
		}
		keys <- skald.IdempotencyKey(ctx)
		return notify{Name: in.Name}, nil
	}).Retry(skald.NoRetry)))
	o.send("authorize", "key", `{"Name":"bad"}`)
	o.send("authorize", "key", `{"Name":"one"}`)
	o.send("authorize", "key", `{"Name":"two"}`, "ce_id", "7", "ce_source", "/crm")
	o.send("authorize", "", `{"Name":"three"}`)
	var names []string
	for _, r := range o.await("notify", 3) {
		names = append(names, string(r.Payload))
		if r.SagaID != "" || r.Hop != 0 || r.headers["ce_hop"] != "" || strings.Contains(string(r.Payload), "three") == (r.key == "key") || r.ID == "" || r.Source != "/skald/authorizer" {
			t.Errorf("%s with key %q: %v", r.Payload, r.key, r.headers)
		}
	}
	slices.Sort(names)
	want := []string{`{"Name":"one","Device":"","Grant":""}`, `{"Name":"three","Device":"","Grant":""}`, `{"Name":"two","Device":"","Grant":""}`}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	letter := o.await("skald.dlq", 1)[0] // an error halts nothing where there is no saga
	if letter.headers["dlq-halted"] != "" || letter.headers["dlq-class"] != wire.ClassFailed || !strings.Contains(letter.headers["dlq-error"], "no such user") {
		t.Errorf("%v", letter.headers)
	}
	distinct := map[string]bool{}
	for range 3 {
		distinct[<-keys] = true
	}
	if len(distinct) != 3 {
		t.Errorf("idempotency keys %v: each event has its own", distinct)
	}
}

// Ends are taken by their own workflow, once, and while the saga is open.
func TestEndTakesOnlyItsOwn(t *testing.T) { brokertest.Each(t, testEnds) }

func testEnds(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	o := newOutside(t, cfg, "notified", "authorize")
	ended := make(chan string, 100)
	start(t, cfg, skald.NewService("provisioner",
		skald.Begin(onboarding, authorizeTopic, func(_ context.Context, in newUser) (authorize, error) { return authorize{Name: in.Name}, nil }),
		skald.End(onboarding, func(_ context.Context, in notified) error { ended <- in.Name; return nil }),
	))
	client := newClient(t, cfg)
	ctx := testContext(t)
	waitForTopics(ctx, t, client)
	saga, err := onboarding.Start(ctx, client, newUser{"ada"})
	if err != nil {
		t.Fatal(err)
	}
	o.await("authorize", 2)
	send := func(name, saga, workflow string) {
		o.send("notified", saga, `{"Name":"`+name+`"}`, "ce_id", name, "ce_source", "/test", "ce_sagaid", saga, "ce_workflow", workflow, "ce_hop", "3")
	}
	o.send("notified", "", `{"Name":"of no saga"}`)
	send("of another workflow", saga.ID(), "offboarding")
	send("of a saga that is not open", wire.SagaIDFor("x", "y"), "onboarding")
	send("ada", saga.ID(), "onboarding")
	if _, err := saga.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	send("ada again", saga.ID(), "onboarding")
	notes := o.read("skald.provisioner.ledger", func(all []received, _ bool) bool { return len(notesIn(t, all)) == 2 }, "two notes")
	for id, reason := range notesIn(t, notes) {
		if !strings.Contains(reason, "late") {
			t.Errorf("note on %s: %s", id, reason)
		}
	}
	if got := <-ended; got != "ada" || len(ended) > 0 {
		t.Errorf("End was called for %q and %d more", got, len(ended))
	}
	if letters := o.all("skald.dlq"); len(letters) > 0 {
		t.Errorf("%d dead letters, the first: %v", len(letters), letters[0].headers)
	}
}

func notesIn(t *testing.T, all []received) map[string]string {
	t.Helper()
	notes := map[string]string{}
	for _, r := range all {
		l, err := wire.DecodeLedgerRecord(r.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if l.Op == wire.OpNote {
			notes[l.ID] = l.Reason
		}
	}
	return notes
}

func TestRouteWatchAndEmit(t *testing.T) { brokertest.Each(t, testRouteWatchEmit) }

func testRouteWatchEmit(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	o := newOutside(t, cfg, "seen")
	c := &chain{calls: map[string]int{}}
	services := c.services()
	services[1] = skald.NewService("authorizer", skald.Route(authorizeTopic, func(ctx context.Context, in authorize) (skald.Event, error) {
		switch in.Name {
		case "short":
			return notifiedTopic.Event(notified{in.Name}), nil
		case "astray":
			return leftTopic.Event(notified{in.Name}), nil
		case "nothing":
			return skald.Event{}, nil
		}
		if err := skald.Emit(ctx, seenTopic, seen{in.Name}); err != nil {
			return skald.Event{}, err
		}
		if in.Name == "secret" {
			return notifyTopic.Event(notify{}), skald.Emit(ctx, secretTopic, seen{"secret"})
		}
		return notifyTopic.Event(notify{Name: in.Name}), nil
	}, notifyTopic, notifiedTopic).Emits(seenTopic))
	watched := make(chan string, 100)
	services = append(services, skald.NewService("audit", skald.Watch(notifyTopic, func(_ context.Context, in notify) error {
		watched <- in.Name
		return errors.New("the audit log is full")
	}).Retry(skald.NoRetry)))
	start(t, cfg, services...)
	client := newClient(t, cfg)
	ctx := testContext(t)
	waitForTopics(ctx, t, client)
	ids := map[string]string{}
	for _, name := range []string{"short", "long", "astray", "nothing", "secret"} {
		saga, err := onboarding.Start(ctx, client, newUser{name})
		if err != nil {
			t.Fatal(err)
		}
		ids[saga.ID()] = name
		if name == "short" || name == "long" { // an error of Watch halts no saga
			if _, err := saga.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	for _, r := range o.await("skald.dlq", 5) { // three of the authorizer, two of the audit: first and long
		got[r.headers["dlq-service"]+" "+ids[r.SagaID]] = r.headers["dlq-class"] + " " + r.headers["dlq-halted"]
	}
	want := map[string]string{
		"authorizer astray": "poison true", "authorizer nothing": "poison true", "authorizer secret": "poison true",
		"audit long": "failed ", "audit ": "failed ", // the latter of waitForTopics
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	for _, r := range o.await("seen", 2) {
		if r.SagaID != "" || r.ParentSaga == "" || r.key != r.ParentSaga || (ids[r.ParentSaga] != "long" && ids[r.ParentSaga] != "") {
			t.Errorf("an emitted event carries no token, but knows its parent: %v", r.headers)
		}
	}
	if n := len(watched); n != 2 {
		t.Errorf("Watch was called %d times, want 2", n)
	}
}

// Emit outside of a handler is an error that says so.
func TestEmitOutsideOfAHandler(t *testing.T) {
	if err := skald.Emit(context.Background(), seenTopic, seen{}); err == nil || !strings.Contains(err.Error(), "outside of a handler") {
		t.Errorf("got %v", err)
	}
	ctx := context.Background()
	if skald.SagaID(ctx) != "" || skald.Attempt(ctx) != 0 || skald.IdempotencyKey(ctx) != "" || skald.Logger(ctx) == nil {
		t.Error("outside of a handler there is a logger and nothing else")
	}
}
