package demo_test

import (
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
	"github.com/skald-saga/skald/skaldtest"
)

// shipped is the shipped services, each with a store as `skald up` gives it.
type shipped struct {
	inventory *provisioner.Inventory
	grants    *authorizer.Grants
	mails     *mailbox.Mailbox
	services  []*skald.Service
}

func ship(t *testing.T, policies string) *shipped {
	t.Helper()
	s := &shipped{}
	var err error
	if s.inventory, err = provisioner.NewInventory(t.Context(), openStore(t)); err != nil {
		t.Fatal(err)
	}
	if s.grants, err = authorizer.NewGrants(t.Context(), openStore(t)); err != nil {
		t.Fatal(err)
	}
	path := ""
	if policies != "" {
		path = filepath.Join(t.TempDir(), "policies.cedar")
		if err := os.WriteFile(path, []byte(policies), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := authorizer.OpenPolicies(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if s.mails, err = mailbox.Start(mailbox.Config{Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.mails.Close() })
	mailer, err := notifier.NewMailer(notifier.Config{Addr: s.mails.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mailer.Close() })
	s.services = []*skald.Service{provisioner.Service(s.inventory), authorizer.Service(p, s.grants), notifier.Service(mailer)}
	return s
}

func openStore(t *testing.T) *sql.DB {
	t.Helper()
	db, err := demo.OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *shipped) want(t *testing.T, devices provisioner.Counts, grants authorizer.Counts, mails int64) {
	t.Helper()
	haveDevices, err := s.inventory.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	haveGrants, err := s.grants.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if haveDevices != devices || haveGrants != grants || s.mails.Count() != mails {
		t.Errorf("devices %+v, grants %+v, %d mails\nwant %+v, %+v, %d", haveDevices, haveGrants, s.mails.Count(), devices, grants, mails)
	}
}

func newcomer(department string) events.NewUser {
	return events.NewUser{Name: "Ada Lindqvist", Email: "ada@example.com", Department: department}
}

// The shipped services make a chain that leads home.
func TestShippedServicesFitTogether(t *testing.T) {
	if err := skald.Check(ship(t, "").services...); err != nil {
		t.Error(err)
	}
}

// A whole onboarding in memory, in which every handler runs twice: one device, one set of grants, one mail (the mailbox drops a repeat).
func TestOnboardingCompletes(t *testing.T) {
	s := ship(t, "")
	w := skaldtest.New(t, s.services...)
	w.RunTwice()
	saga := skaldtest.Start(w, events.Onboarding, newcomer("engineering"))
	if got := saga.Status(); got.State != skaldtest.Completed {
		t.Errorf("the saga is %s: %q", got, saga.Trace())
	}
	s.want(t, provisioner.Counts{Assigned: 1, Serials: 1, Completed: 1}, authorizer.Counts{Sagas: 1, Grants: 3}, 1)
}

// The policies deny: the device goes back to stock, and nobody is mailed.
func TestOnboardingThatIsDenied(t *testing.T) {
	s := ship(t, `permit (principal in Department::"sales", action == Action::"crm", resource);`)
	w := skaldtest.New(t, s.services...)
	w.RunTwice()
	saga := skaldtest.Start(w, events.Onboarding, newcomer("engineering"))
	if got, want := saga.Status(), (skaldtest.Status{State: skaldtest.Rejected, Why: "no policy grants anything to engineering"}); got != want {
		t.Errorf("the saga is %s, want %s: %q", got, want, saga.Trace())
	}
	s.want(t, provisioner.Counts{Returned: 1}, authorizer.Counts{}, 0)
}
