package consoletest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/services/events"
)

// Switches play and stop services that aren't there.
type Switches struct {
	mu     sync.Mutex
	states []backend.ServiceState
	next   backend.Signal
}

func (f *Switches) List() []backend.ServiceState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.states)
}

func (f *Switches) set(name string, running bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.states {
		if f.states[i].Name == name {
			f.states[i].Running = running
			f.next.Notify()
			return nil
		}
	}
	return errors.New("no such service")
}

func (f *Switches) Play(_ context.Context, name string) error { return f.set(name, true) }
func (f *Switches) Stop(_ context.Context, name string) error { return f.set(name, false) }
func (f *Switches) Changed() <-chan struct{}                  { return f.next.Changed() }

// Mailbox keeps what is delivered to it.
type Mailbox struct {
	mu    sync.Mutex
	mails []mailbox.Mail
	next  backend.Signal
}

// Deliver puts a mail into it as the notifier would.
func (f *Mailbox) Deliver(user events.NewUser, model, serial, access string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first, _, _ := strings.Cut(user.Name, " ")
	f.mails = append(f.mails, mailbox.Mail{
		Seq: uint64(len(f.mails) + 1), MessageID: uuid.NewString() + "@skald.example", From: "onboarding@example.com", To: user.Email, ToName: user.Name,
		Subject: "Welcome, " + first + ": your " + model + " is waiting", Received: at,
		Text: "Dear " + first + ",\r\n\r\nWelcome to " + words.Capital(user.Department) + ". This is ready for you:\r\n\r\n" +
			"  Device   " + model + ", serial " + serial + "\r\n  Access   " + access + "\r\n  Pick up  Service desk, from 09:00 on your first day\r\n\r\n" +
			"If anything is missing, answer this mail.\r\n",
	})
	f.next.Notify()
}

func (f *Mailbox) Mails(limit int, before uint64) []mailbox.Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []mailbox.Mail
	for _, m := range slices.Backward(f.mails) {
		if len(found) < limit && (before == 0 || m.Seq < before) {
			found = append(found, m)
		}
	}
	return found
}

func (f *Mailbox) Count() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.mails))
}

func (f *Mailbox) Changed() <-chan struct{} { return f.next.Changed() }
