package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
)

// serviceNames are the shipped services, in the order of the onboarding chain.
var serviceNames = []string{"provisioner", "authorizer", "notifier"}

// parts makes services of what they need: stores, policies, a mail server. The same for the demo and for production.
type parts struct {
	store          func(ctx context.Context, service string) (*sql.DB, error)
	policies, smtp string
	stock          int64 // of each model; negative leaves it as it is
	logger         *slog.Logger

	closers []func() error
}

func (p *parts) close() {
	for _, c := range slices.Backward(p.closers) {
		if err := c(); err != nil {
			p.logger.Warn("closing a service's store failed", "error", err)
		}
	}
}

func (p *parts) service(ctx context.Context, name string) (*skald.Service, error) {
	switch name {
	case "provisioner":
		return p.provisioner(ctx)
	case "authorizer":
		return p.authorizer(ctx)
	case "notifier":
		return p.notifier()
	}
	return nil, usage("there is no service %q; known: %v", name, serviceNames)
}

func (p *parts) open(ctx context.Context, service string) (*sql.DB, error) {
	db, err := p.store(ctx, service)
	if err != nil {
		return nil, fmt.Errorf("the store of %s: %w", service, err)
	}
	p.closers = append(p.closers, db.Close)
	return db, nil
}

func (p *parts) provisioner(ctx context.Context) (*skald.Service, error) {
	db, err := p.open(ctx, "provisioner")
	if err != nil {
		return nil, err
	}
	inventory, err := provisioner.NewInventory(ctx, db)
	if err != nil {
		return nil, err
	}
	if p.stock >= 0 {
		models, err := inventory.Stock(ctx)
		for _, m := range models {
			err = errors.Join(err, inventory.SetStock(ctx, m.Model, p.stock))
		}
		if err != nil {
			return nil, fmt.Errorf("set the stock: %w", err)
		}
	}
	return provisioner.Service(inventory), nil
}

func (p *parts) authorizer(ctx context.Context) (*skald.Service, error) {
	policies, err := authorizer.OpenPolicies(p.policies, p.logger)
	if err != nil {
		return nil, usage("--policies: %w", err)
	}
	db, err := p.open(ctx, "authorizer")
	if err != nil {
		return nil, err
	}
	grants, err := authorizer.NewGrants(ctx, db)
	if err != nil {
		return nil, err
	}
	return authorizer.Service(policies, grants), nil
}

func (p *parts) notifier() (*skald.Service, error) {
	mailer, err := notifier.NewMailer(notifier.Config{Addr: p.smtp})
	if err != nil {
		return nil, usage("--smtp-addr: %w", err)
	}
	p.closers = append(p.closers, mailer.Close)
	return notifier.Service(mailer), nil
}

func newRandom() rand.Source {
	return rand.NewPCG(rand.Uint64(), rand.Uint64()) //nolint:gosec // a demo's faults are no secret
}
