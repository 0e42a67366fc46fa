package notifier

import (
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

func notify(name string) events.Notify {
	return events.Notify{User: events.User{Name: "Ada", Email: name + "@example.com", Department: "sales"}, Grants: []string{"crm"}}
}

func wantStatus(t *testing.T, saga *skaldtest.Saga, want skaldtest.Status) {
	t.Helper()
	if got := saga.Status(); got != want {
		t.Errorf("the saga is %s, want %s; it went like this: %q", got, want, saga.Trace())
	}
}

// SMTP 4yz: tried again, and given up when the attempts are spent.
func TestMailboxThatIsBusyIsTriedAgain(t *testing.T) {
	s := startServer(t)
	w := skaldtest.New(t, Service(newMailer(t, Config{Addr: s.addr})))
	saga := skaldtest.Send(w, events.Onboarding, events.NotifyTopic, notify("busy"))
	wantStatus(t, saga, skaldtest.Status{
		State: skaldtest.Retrying, Service: "notifier", Topic: "notify", Attempt: 1, In: time.Second, Why: "SMTP 451 4.3.0 Try again later",
	})
	w.Advance(time.Hour)
	wantStatus(t, saga, skaldtest.Status{
		State: skaldtest.Halted, Service: "notifier", Topic: "notify", Attempt: skald.DefaultRetry.Attempts, Why: "SMTP 451 4.3.0 Try again later",
	})
}

// SMTP 5yz: the saga is rejected at once; an event of no saga becomes a dead letter.
func TestMailboxThatDoesNotExistRejects(t *testing.T) {
	s := startServer(t)
	w := skaldtest.New(t, Service(newMailer(t, Config{Addr: s.addr})))
	saga := skaldtest.Send(w, events.Onboarding, events.NotifyTopic, notify("nobody"))
	wantStatus(t, saga, skaldtest.Status{State: skaldtest.Rejected, Why: "SMTP 550 5.1.1 No such mailbox"})
	one := skaldtest.Send(w, nil, events.NotifyTopic, notify("nobody"))
	if l := one.DeadLetter(); l.Class != "rejected" || l.Attempts != 1 {
		t.Errorf("letter %+v, want one of class rejected after one attempt", l)
	}
}

// A mail server that is away burns no attempt, and the mail goes out when it is there again.
func TestMailServerThatIsAwayIsWaitedFor(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr})
	w := skaldtest.New(t, Service(m))
	saga := skaldtest.Send(w, events.Onboarding, events.NotifyTopic, notify("closing")) // the server says 421
	w.Advance(time.Minute)
	if got := saga.Status(); got.State != skaldtest.Unavailable || got.Attempt != 0 {
		t.Errorf("the saga is %s, want unavailable with no attempt burnt", got)
	}
	other := skaldtest.Send(w, events.Onboarding, events.NotifyTopic, notify("ada")) // waits behind the outage
	if got := other.Status(); got.State == skaldtest.Sent {
		t.Errorf("during an outage another mail went out: %s", got)
	}
	w.Advance(time.Minute)
	wantStatus(t, other, skaldtest.Status{State: skaldtest.Sent, Topic: "notified"})
}

// The handler runs twice, as when a process dies after the mail went out: both mails have one Message-ID, the one of the event.
func TestMailThatGoesOutTwiceHasOneID(t *testing.T) {
	s := startServer(t)
	w := skaldtest.New(t, Service(newMailer(t, Config{Addr: s.addr})))
	w.RunTwice()
	saga := skaldtest.Send(w, events.Onboarding, events.NotifyTopic, notify("ada"))
	id := skaldtest.Emitted(saga, events.NotifiedTopic).MessageID
	mails := s.received()
	if len(mails) != 2 || len(skaldtest.Events(w, events.NotifiedTopic)) != 1 {
		t.Fatalf("%d mails and %d events, want 2 and 1", len(mails), len(skaldtest.Events(w, events.NotifiedTopic)))
	}
	for _, mail := range mails {
		if got := mail.header.Get("Message-ID"); got != "<"+id+">" {
			t.Errorf("Message-ID %s, want <%s>", got, id)
		}
	}
}
