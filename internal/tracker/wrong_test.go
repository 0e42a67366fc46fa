package tracker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// unruly is the chain whose services do by a person's name what there is to do wrong.
type unruly struct{ repaired atomic.Bool }

func (u *unruly) services() []*skald.Service {
	pass := func(_ context.Context, p person) (person, error) { return p, nil }
	return []*skald.Service{
		skald.NewService("provisioner",
			skald.Begin(onboarding, authorizeTopic, pass).Compensate(func(_ context.Context, p person, _ *person) error {
				if p.Name == "blocked" {
					return skald.Poison(errors.New("no such device"))
				}
				return nil
			}),
			skald.End(onboarding, func(context.Context, person) error { return nil })),
		skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(_ context.Context, p person) (person, error) {
			switch p.Name {
			case "rejected", "blocked":
				return p, skald.Reject("no policy grants it")
			case "retrying":
				return p, skald.RetryAfter(time.Hour, errors.New("503"))
			case "halted":
				if !u.repaired.Load() {
					return p, skald.Poison(errors.New("no such field"))
				}
			}
			return p, nil
		})),
		skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, pass)),
	}
}

func TestTellsWhatGoesWrong(t *testing.T) { brokertest.Each(t, testTellsWhatGoesWrong) }

func testTellsWhatGoesWrong(t *testing.T, b brokertest.Broker) {
	u := &unruly{}
	runServices(t, b, u.services())
	cfg := Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: wire.Namespace(b.Prefix), Store: openStore(t)}
	tr, _ := run(t, cfg)
	client, err := skald.NewClient(skald.Config{Brokers: b.Addrs, Prefix: b.Prefix, Partitions: journalPartitions, Logger: brokertest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ids := map[string]string{}
	for _, name := range []string{"rejected", "blocked", "retrying", "halted"} {
		saga, err := onboarding.Start(soon(t), client, person{name}, skald.WithoutWait())
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = saga.ID()
	}
	says := func(name, status, sentence string) {
		t.Helper()
		await(t, tr, name, func() bool {
			saga, err := tr.Saga(t.Context(), ids[name])
			return err == nil && saga.Status == status && strings.HasPrefix(saga.Sentence(time.Now()), sentence)
		})
	}
	says("rejected", wire.Rejected, "Rejected after ")
	says("blocked", Blocked, "Undo is blocked at provisioner after one attempt: no such device. A person must help.")
	says("retrying", Retrying, "Waiting for authorizer: attempt 2 of 8 in 59 min ")
	says("halted", Halted, "Halted at authorizer: dead letter after one attempt, no such field. It goes on when it is redriven.")
	eventually(t, "who begins the workflow", func() bool { return tr.Initiator("onboarding") == "provisioner" })

	page, err := tr.Letters(t.Context(), LetterQuery{Status: LetterHalted})
	if err != nil || len(page.Letters) != 1 || page.Letters[0].SagaID != ids["halted"] {
		t.Fatalf("%+v, %v", page, err)
	}
	l := page.Letters[0]
	letter, err := client.DeadLetter(soon(t), l.Partition, l.Offset)
	if err != nil || letter.ID != l.ID || string(letter.Payload) != `{"Name":"halted"}` {
		t.Fatalf("%+v, %v", letter, err)
	}
	u.repaired.Store(true)
	answers, err := client.Ask(soon(t), skald.Redrive(letter, "repaired").By("desk-2"),
		skald.Cancel("provisioner", ids["retrying"], "hired twice"), skald.Unblock("provisioner", ids["blocked"], true, "carried back"))
	for i, a := range answers {
		if !a.Accepted {
			t.Errorf("request %d: %s", i, a.Text)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	says("halted", wire.Completed, "Completed in ")
	says("retrying", wire.Cancelled, "Cancelled after ")
	says("blocked", wire.Rejected, "Rejected after ")
	eventually(t, "all to be read", func() bool { return tr.Lag().Records == 0 && tr.Lag().Age < time.Second })

	saga, err := tr.Saga(t.Context(), ids["retrying"])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"new-user provisioner done", "authorize authorizer turned: 503", "undo new-user provisioner done"}
	if diff := cmp.Diff(want, brief(saga)); diff != "" || len(saga.Undone) != 1 || saga.Reason != "hired twice" {
		t.Errorf("wanted (-), told (+):\n%s\n%s", diff, mustJSON(saga))
	}
	if l, err = tr.Letter(t.Context(), l.Partition, l.Offset); err != nil || l.Status != wire.Completed {
		t.Errorf("%+v, %v", l, err)
	}
	events, err := tr.Events(t.Context(), ids["halted"])
	commands := 0
	for _, e := range events {
		if e.Type == CommandType && e.Source == "desk-2" {
			commands++
		}
	}
	if err != nil || commands != 1 {
		t.Errorf("the redrive is told of %d times, error %v", commands, err)
	}
	rebuilt(t, cfg, tr)
}
