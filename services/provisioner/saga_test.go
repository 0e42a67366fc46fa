package provisioner

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

// rest is the rest of the chain: it goes home, or is refused.
func rest(refusal error) *skald.Service {
	return skald.NewService("rest", skald.Step(events.AuthorizeTopic, events.NotifiedTopic,
		func(_ context.Context, in events.Authorize) (events.Notified, error) {
			return events.Notified{User: in.User, MessageID: "1@example.com"}, refusal
		}))
}

func wantStatus(t *testing.T, saga *skaldtest.Saga, want skaldtest.Status) {
	t.Helper()
	if got := saga.Status(); got != want {
		t.Errorf("the saga is %s, want %s; it went like this: %q", got, want, saga.Trace())
	}
}

func TestOnboardingIsNotedWhenItComesHome(t *testing.T) {
	inv := openMemory(t)
	w := skaldtest.New(t, Service(inv), rest(nil))
	saga := skaldtest.Start(w, events.Onboarding, user("design"))
	wantStatus(t, saga, skaldtest.Status{State: skaldtest.Completed})
	if got := skaldtest.Emitted(saga, events.AuthorizeTopic).Device.Serial; got != "NB16-00415" {
		t.Errorf("device %s", got)
	}
	wantCounts(t, inv, Counts{Assigned: 1, Serials: 1, Completed: 1})
}

// Every handler and compensation runs twice: one device goes out, one comes back, and stock is what it was.
func TestDeviceComesBackAfterARejection(t *testing.T) {
	inv := openMemory(t)
	setStock(t, inv, "Nordbook 14", 1)
	w := skaldtest.New(t, Service(inv), rest(skald.Reject("no policy grants anything to sales")))
	w.RunTwice()
	saga := skaldtest.Start(w, events.Onboarding, user("sales"))
	wantStatus(t, saga, skaldtest.Status{State: skaldtest.Rejected, Why: "no policy grants anything to sales"})
	if diff := cmp.Diff([]string{"provisioner/new-user"}, saga.Undone()); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	wantCounts(t, inv, Counts{Returned: 1})
	stock, err := inv.Stock(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if stock[0] != (Stock{"Nordbook 14", 1}) {
		t.Errorf("stock %+v, want the one device back", stock[0])
	}
}

func TestOnboardingThatIsStuckGivesItsDeviceBackWhenItIsCancelled(t *testing.T) {
	inv := openMemory(t)
	w := skaldtest.New(t, Service(inv), rest(skald.Poison(errors.New("the rest is broken"))))
	saga := skaldtest.Start(w, events.Onboarding, user("sales"))
	wantStatus(t, saga, skaldtest.Status{State: skaldtest.Halted, Service: "rest", Topic: "authorize", Attempt: 1, Why: "the rest is broken"})
	wantCounts(t, inv, Counts{Assigned: 1, Serials: 1})
	w.Ask(skald.Cancel("provisioner", saga.ID(), "she starts elsewhere"))
	w.Advance(skald.DefaultRetry.Max) // the initiator asks for the token, again and again
	wantStatus(t, saga, skaldtest.Status{State: skaldtest.Cancelled, Why: "she starts elsewhere"})
	wantCounts(t, inv, Counts{Returned: 1})
}

// As many onboardings as there are devices go on, the next is rejected, and one that is rejected later makes room again.
func TestStockThatIsUsedUpRejects(t *testing.T) {
	inv := openMemory(t)
	setStock(t, inv, "Nordbook 16", 2)
	w := skaldtest.New(t, Service(inv))
	for range 2 {
		wantStatus(t, skaldtest.Start(w, events.Onboarding, user("engineering")), skaldtest.Status{State: skaldtest.Sent, Topic: "authorize"})
	}
	last := skaldtest.Start(w, events.Onboarding, user("engineering"))
	wantStatus(t, last, skaldtest.Status{State: skaldtest.Rejected, Why: "no Nordbook 16 in stock for engineering"})
	if n := len(skaldtest.Events(w, events.AuthorizeTopic)); n != 2 {
		t.Errorf("%d went on to be authorized, want 2", n)
	}
	wantCounts(t, inv, Counts{Assigned: 2, Serials: 2})
}
