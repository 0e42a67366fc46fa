package demo_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
)

// Policies that grant sales nothing: the saga is rejected, the device goes back to stock, and nobody is mailed. Another is cancelled
// when it was granted everything and its mail can't be sent.
func TestOnboardingIsUndone(t *testing.T) { brokertest.Each(t, testUndone) }

func testUndone(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	policies := filepath.Join(t.TempDir(), "policies.cedar")
	rule := `permit (principal in Department::"design", action == Action::"studio", resource);`
	if err := os.WriteFile(policies, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	inventory, grants := stores(ctx, t)
	rules, err := authorizer.OpenPolicies(policies, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mails, err := mailbox.Start(mailbox.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer mails.Close()
	mailer, err := notifier.NewMailer(notifier.Config{Addr: mails.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer mailer.Close()

	cfg := skald.Config{Brokers: broker.Addrs, Prefix: broker.Prefix, Partitions: 4, Settle: broker.Settle(), Logger: brokertest.Logger()}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() {
		ended <- skald.Run(running, cfg, provisioner.Service(inventory), authorizer.Service(rules, grants))
	}()
	client, err := skald.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	wait := func(saga *skald.Saga, outcome, reason string) {
		t.Helper()
		o, err := saga.Wait(ctx)
		if err != nil || o.Outcome != outcome || !strings.Contains(o.Reason, reason) {
			t.Errorf("%+v (%v), want %s because of %q", o, err, outcome, reason)
		}
	}
	begin := func(department string) *skald.Saga {
		t.Helper()
		saga, err := events.Onboarding.Start(ctx, client, events.NewUser{Name: "Ada", Email: department + "@example.com", Department: department})
		if err != nil {
			t.Fatal(err)
		}
		return saga
	}
	wait(begin("sales"), "rejected", "no policy grants anything to sales")

	// Nobody notifies yet, so the saga's token waits in the topic notify.
	saga := begin("design")
	for {
		counts, err := grants.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Grants == 1 {
			break
		}
	}
	answers, err := client.Ask(ctx, skald.Cancel("provisioner", saga.ID(), "hired by another company"))
	if err != nil || !answers[0].Accepted {
		t.Fatalf("%+v, %v", answers, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	running, stop = context.WithCancel(ctx)
	defer stop()
	// The token has gone to the notifier, whose mail is sent before the notice finds anybody, or comes home: either way it turns round.
	go func() {
		ended <- skald.Run(running, cfg, provisioner.Service(inventory), authorizer.Service(rules, grants), notifier.Service(mailer))
	}()
	wait(saga, "cancelled", "hired by another company")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	stock, err := inventory.Counts(context.WithoutCancel(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if want := (provisioner.Counts{Returned: 2}); stock != want {
		t.Errorf("inventory %+v, want %+v", stock, want)
	}
	counts, err := grants.Counts(context.WithoutCancel(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if counts != (authorizer.Counts{}) {
		t.Errorf("grants %+v are left", counts)
	}
	for _, m := range mails.Mails(10, 0) {
		if strings.Contains(m.To, "sales") {
			t.Errorf("a rejected user was mailed: %+v", m)
		}
	}
}

func stores(ctx context.Context, t *testing.T) (*provisioner.Inventory, *authorizer.Grants) {
	t.Helper()
	stock, err := demo.OpenStore(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stock.Close() })
	inventory, err := provisioner.NewInventory(ctx, stock)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := demo.OpenStore(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { granted.Close() })
	grants, err := authorizer.NewGrants(ctx, granted)
	if err != nil {
		t.Fatal(err)
	}
	return inventory, grants
}
