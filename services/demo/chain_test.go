package demo_test

import (
	"log/slog"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
)

// The shipped services, each with a store as `skald up` gives it, make a chain that leads home.
func TestShippedServicesFitTogether(t *testing.T) {
	stock, err := demo.OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stock.Close()
	inventory, err := provisioner.NewInventory(t.Context(), stock)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := demo.OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer granted.Close()
	grants, err := authorizer.NewGrants(t.Context(), granted)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := authorizer.OpenPolicies("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mailer, err := notifier.NewMailer(notifier.Config{Addr: "127.0.0.1:2525"})
	if err != nil {
		t.Fatal(err)
	}
	defer mailer.Close()
	if err := skald.Check(provisioner.Service(inventory), authorizer.Service(policies, grants), notifier.Service(mailer)); err != nil {
		t.Error(err)
	}
}
