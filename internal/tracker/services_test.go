package tracker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// The flagship's chain, as its authors write it.
type person struct{ Name string }

const (
	newUserTopic   skald.Topic[person] = "new-user"
	authorizeTopic skald.Topic[person] = "authorize"
	notifyTopic    skald.Topic[person] = "notify"
	notifiedTopic  skald.Topic[person] = "notified"
	auditTopic     skald.Topic[person] = "audit"
)

var onboarding = skald.NewWorkflow("onboarding", newUserTopic, notifiedTopic).
	Subject(func(p person) string { return p.Name }).
	Deadline(time.Hour)

// services runs the chain until the test ends. The authorizer waits for the gate, and fails for one person.
func services(t *testing.T, b brokertest.Broker, gate <-chan struct{}, unlucky string) {
	t.Helper()
	pass := func(_ context.Context, p person) (person, error) { return p, nil }
	all := []*skald.Service{
		skald.NewService("provisioner",
			skald.Begin(onboarding, authorizeTopic, pass),
			skald.End(onboarding, func(context.Context, person) error { return nil })),
		skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, p person) (person, error) {
			if p.Name == unlucky {
				return p, errors.New("no entitlement")
			}
			select {
			case <-gate:
				return p, skald.Emit(ctx, auditTopic, p)
			case <-ctx.Done():
				return p, ctx.Err()
			}
		}).Emits(auditTopic).Retry(skald.NoRetry)),
		skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, pass)),
		skald.NewService("auditor", skald.Watch(authorizeTopic, func(_ context.Context, p person) error {
			if p.Name == unlucky {
				return errors.New("the watcher's own trouble")
			}
			return nil
		})),
	}
	runServices(t, b, all)
}

// runServices runs services until the test ends.
func runServices(t *testing.T, b brokertest.Broker, all []*skald.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- skald.Run(ctx, skald.Config{
			Brokers: b.Addrs, Prefix: b.Prefix, Partitions: journalPartitions, Settle: b.Settle(), Logger: brokertest.Logger(), Instance: "one",
		}, all...)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTellsWhatServicesDo(t *testing.T) { brokertest.Each(t, testTellsWhatServicesDo) }

func testTellsWhatServicesDo(t *testing.T, b brokertest.Broker) {
	gate := make(chan struct{})
	services(t, b, gate, "unlucky")
	cfg := Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: wire.Namespace(b.Prefix), Store: openStore(t)}
	tr, _ := run(t, cfg)
	client, err := skald.NewClient(skald.Config{Brokers: b.Addrs, Prefix: b.Prefix, Partitions: journalPartitions, Logger: brokertest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	await(t, tr, "four services", func() bool { all, err := tr.Services(t.Context()); return err == nil && len(all) == 4 })

	var ids []string
	for n := range 20 {
		saga, err := onboarding.Start(soon(t), client, person{fmt.Sprint("Ada ", n)}, skald.WithoutWait())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, saga.ID())
	}
	// Another client's start: no headers, no key, any partition. And one that goes wrong.
	foreign := newClient(t, b.Addrs[0])
	if err := foreign.ProduceSync(soon(t), &kgo.Record{
		Topic: cfg.Namespace.Topic("new-user"), Partition: 3, Value: []byte(`{"Name":"Grace"}`),
	}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	bad, err := onboarding.Start(soon(t), client, person{"unlucky"}, skald.WithoutWait())
	if err != nil {
		t.Fatal(err)
	}

	// While the authorizer waits, its handlers are seen to run.
	await(t, tr, "handlers that run", func() bool { return countOf(t, tr, "authorize", StepRunning) == 21 })
	await(t, tr, "the halted saga", func() bool {
		saga, err := tr.Saga(t.Context(), bad.ID())
		return err == nil && saga.Status == Halted && saga.Reason == "no entitlement"
	})
	close(gate)
	await(t, tr, "21 sagas to complete", func() bool {
		counts, err := tr.Counts(t.Context(), "onboarding")
		return err == nil && counts[wire.Completed] == 21 && counts[Halted] == 1
	})
	eventually(t, "the audit events of all", func() bool {
		saga, err := tr.Events(t.Context(), ids[0])
		return err == nil && len(saga) == 6 && tr.Lag().Records == 0
	})

	sagas, err := tr.Sagas(t.Context(), Query{})
	if err != nil || len(sagas.Sagas) != 22 {
		t.Fatalf("%d sagas, error %v", len(sagas.Sagas), err)
	}
	for _, s := range sagas.Sagas {
		if s.ID != bad.ID() {
			checkTimeline(t, s)
		}
	}
	checkHops(t, tr)
	rebuilt(t, cfg, tr)
}

// checkHops wants every way of the 21 sagas that completed and the one that is halted, with what the services have read.
func checkHops(t *testing.T, tr *Tracker) {
	t.Helper()
	hops, err := tr.Hops(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range hops {
		timed := h.P50 > 0 && h.P99 >= h.P50 && h.UsualP99 == 0
		got = append(got, fmt.Sprintf("%s: %s > %s > %s, declared %t: %d, timed %t, halted %d, running %d",
			h.Workflow, h.From, h.Topic, h.To, h.Declared, h.Events, timed, h.Halted, h.Running+h.Retrying))
		sum := int64(0)
		for _, m := range h.Minutes {
			sum += m.Events
		}
		if len(h.Minutes) != 60 || sum != h.Events || h.Rate <= 0 {
			t.Errorf("%d minutes with %d events, rate %g: %+v", len(h.Minutes), sum, h.Rate, h)
		}
	}
	want := []string{
		": authorizer > audit > , declared false: 21, timed false, halted 0, running 0",
		"onboarding:  > new-user > provisioner, declared true: 22, timed true, halted 0, running 0",
		"onboarding: authorizer > notify > notifier, declared true: 21, timed true, halted 0, running 0",
		"onboarding: notifier > notified > provisioner, declared true: 21, timed true, halted 0, running 0",
		"onboarding: provisioner > authorize > authorizer, declared true: 22, timed true, halted 1, running 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hops wanted (-), told (+):\n%s", diff)
	}
	eventually(t, "all services to have read all, and to have said so", func() bool {
		all, err := tr.Services(t.Context())
		handled := map[string]int64{"provisioner": 22 + 21, "authorizer": 22, "notifier": 21}
		for _, s := range all {
			if n, counted := handled[s.Name]; counted && n != s.Handled || s.Lag != 0 || s.State != Up || len(s.Partitions) != journalPartitions || s.InHand > 1 || len(s.Instances) != 1 || s.Instances[0].Lag != s.Lag {
				return false
			}
		}
		return err == nil && len(all) == 4
	})
}

// countOf counts the steps on a topic that are in a state.
func countOf(t *testing.T, tr *Tracker, topic, state string) (n int) {
	t.Helper()
	page, err := tr.Sagas(t.Context(), Query{Limit: maxLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range page.Sagas {
		for _, p := range s.Steps {
			if p.Topic == topic && p.State == state {
				n++
			}
		}
	}
	return n
}

// checkTimeline wants a completed saga's steps in the order of the chain, and its times in the order of events.
func checkTimeline(t *testing.T, s Saga) {
	t.Helper()
	want := []string{"new-user provisioner done", "authorize authorizer done", "notify notifier done", "notified provisioner done"}
	if diff := cmp.Diff(want, brief(s)); diff != "" {
		t.Errorf("saga %s: wanted (-), told (+):\n%s", s.ID, diff)
		return
	}
	last := s.Started
	for i, p := range s.Steps {
		for _, next := range []time.Time{p.Queued, p.Accepted, p.Started, p.Finished} {
			if next.IsZero() || next.Before(last) {
				t.Errorf("saga %s: times of step %d aren't in order:\n%s", s.ID, i, mustJSON(s))
				return
			}
			last = next
		}
		if p.Attempt != 1 || len(p.Payload) == 0 || p.Hop != i {
			t.Errorf("saga %s: step %d has attempt %d, hop %d, payload %q", s.ID, i, p.Attempt, p.Hop, p.Payload)
		}
	}
	if !s.Ended.Equal(last) || s.Subject == "" || s.Deadline.Sub(s.Steps[0].Accepted) != time.Hour {
		t.Errorf("saga %s ended %s, last time %s, subject %q, deadline %s", s.ID, s.Ended, last, s.Subject, s.Deadline)
	}
}

// rebuilt reads the log from zero into another store and wants it to tell the same.
func rebuilt(t *testing.T, cfg Config, tr *Tracker) {
	t.Helper()
	tell := func(tr *Tracker) (sagas []Saga, events map[string][]Event) {
		page, err := tr.Sagas(t.Context(), Query{Limit: maxLimit})
		if err != nil {
			t.Fatal(err)
		}
		events = map[string][]Event{}
		for _, s := range page.Sagas {
			if events[s.ID], err = tr.Events(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
		}
		return page.Sagas, events
	}
	at := time.Now()
	traffic := func(tr *Tracker) []Hop {
		if err := tr.loadTraffic(t.Context()); err != nil {
			t.Fatal(err)
		}
		return tr.hops(time.Hour, at)
	}
	cfg.Store = openStore(t)
	fresh, _ := run(t, cfg)
	ignore := cmpopts.IgnoreFields(Saga{}, "Seq")
	wantSagas, wantEvents := tell(tr)
	wantHops := traffic(tr)
	await(t, fresh, "a rebuilt tracker to tell the same", func() bool {
		gotSagas, gotEvents := tell(fresh)
		return cmp.Equal(wantSagas, gotSagas, ignore) && cmp.Equal(wantEvents, gotEvents) &&
			cmp.Equal(wantHops, traffic(fresh))
	})
}
