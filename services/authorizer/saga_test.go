package authorizer

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

func authorize(department string) events.Authorize {
	return events.Authorize{User: user(department), Device: laptop}
}

func TestPolicyDeniesSoTheSagaIsRejected(t *testing.T) {
	grants := openMemory(t)
	w := skaldtest.New(t, Service(defaultPolicies(t), grants))
	saga := skaldtest.Send(w, events.Onboarding, events.AuthorizeTopic, authorize("contractor"))
	want := skaldtest.Status{State: skaldtest.Rejected, Why: "no policy grants anything to contractor"}
	if got := saga.Status(); got != want {
		t.Errorf("the saga is %s, want %s", got, want)
	}
	if mails := skaldtest.Events(w, events.NotifyTopic); len(mails) > 0 {
		t.Errorf("it goes on to be notified: %+v", mails)
	}
	wantCounts(t, grants, Counts{})
}

// Every handler and compensation runs twice; what was granted is granted once, and gone after the undo.
func TestGrantsAreRevokedWhenTheSagaIsUndone(t *testing.T) {
	grants := openMemory(t)
	w := skaldtest.New(t, Service(defaultPolicies(t), grants), skald.NewService("notifier",
		skald.Step(events.NotifyTopic, events.NotifiedTopic, func(_ context.Context, _ events.Notify) (events.Notified, error) {
			wantCounts(t, grants, Counts{Sagas: 1, Grants: 3})
			return events.Notified{}, skald.Reject("SMTP 550 no such mailbox")
		})))
	w.RunTwice()
	saga := skaldtest.Send(w, events.Onboarding, events.AuthorizeTopic, authorize("engineering"))
	want := skaldtest.Status{State: skaldtest.Rejected, Why: "SMTP 550 no such mailbox"}
	if got := saga.Status(); got != want {
		t.Errorf("the saga is %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"authorizer/authorize"}, saga.Undone()); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	wantCounts(t, grants, Counts{})
}

// The service is generic: it serves a producer that knows of no saga, and rejecting its event makes a dead letter.
func TestEventOfNoSagaIsServed(t *testing.T) {
	grants := openMemory(t)
	w := skaldtest.New(t, Service(defaultPolicies(t), grants))
	one := skaldtest.Send(w, nil, events.AuthorizeTopic, authorize("sales"))
	if diff := cmp.Diff([]string{"crm", "vpn"}, skaldtest.Emitted(one, events.NotifyTopic).Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	refused := skaldtest.Send(w, nil, events.AuthorizeTopic, authorize("contractor"))
	if l := refused.DeadLetter(); l.Class != "rejected" || l.Halted {
		t.Errorf("letter %+v, want one of class rejected that halts nothing", l)
	}
}
