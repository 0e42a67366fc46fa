// Package provisioner is the initiator of onboarding: it assigns a new user a device fit for its department, and when the saga
// comes home it notes it as completed. Undone, it takes the device back.
//
// Its devices are an [Inventory] in SQL, in SQLite or PostgreSQL. An assignment takes effect once per saga, by skaldsql.
//
// The package imports Skald, skaldsql and the contracts. Start reading here, then inventory.go, then take.go.
package provisioner

import (
	"context"
	"database/sql"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldsql"
)

// Service is the provisioner with its devices in inv.
func Service(inv *Inventory) *skald.Service {
	p := &provisioner{inv}
	return skald.NewService("provisioner",
		skald.Begin(events.Onboarding, events.AuthorizeTopic, p.assign).Compensate(p.release),
		skald.End(events.Onboarding, p.complete),
	)
}

type provisioner struct{ inventory *Inventory }

// assign rejects the saga when no fit device is in stock.
func (p *provisioner) assign(ctx context.Context, in events.NewUser) (events.Authorize, error) {
	var device events.Device
	err := skaldsql.InTx(ctx, p.inventory.db, func(tx *sql.Tx) (err error) {
		key := skald.IdempotencyKey(ctx)
		device, err = skaldsql.Once(ctx, tx, key, func(ctx context.Context) (events.Device, error) {
			return take(ctx, tx, key, in)
		})
		return err
	})
	if err != nil {
		return events.Authorize{}, err
	}
	return events.Authorize{User: events.User(in), Device: device}, nil
}

// release finds the device by the saga's key and not by out, which is nil when assign did its work and never finished.
func (p *provisioner) release(ctx context.Context, _ events.NewUser, _ *events.Authorize) error {
	return skaldsql.InTx(ctx, p.inventory.db, func(tx *sql.Tx) error {
		key := skald.IdempotencyKey(ctx)
		return skaldsql.Undo(ctx, tx, key, func(ctx context.Context) error {
			return giveBack(ctx, tx, key)
		})
	})
}

// complete needs no skaldsql: a row inserted under a key that is unique is there once, however often it is inserted.
func (p *provisioner) complete(ctx context.Context, in events.Notified) error {
	_, err := p.inventory.db.ExecContext(ctx, `
		INSERT INTO completions (saga_id, email, message_id) VALUES ($1, $2, $3)
		ON CONFLICT (saga_id) DO NOTHING`, skald.SagaID(ctx), in.User.Email, in.MessageID)
	return err
}
