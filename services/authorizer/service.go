// Package authorizer grants what a user's department is entitled to. Undone, it revokes it.
//
// What that is, [Policies] decide: a file in the Cedar language that people edit while the service runs. What was decided is kept
// as [Grants] in SQL, in SQLite or PostgreSQL, once per saga, by skaldsql. The service is generic: any workflow may send to
// the topic authorize, and gets a notify for it.
//
// The package imports Skald, skaldsql, the contracts and Cedar. Start reading here, then policies.go, then policies.cedar.
package authorizer

import (
	"context"
	"database/sql"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldsql"
)

// Service is the authorizer that decides by p and keeps its decisions in g.
func Service(p *Policies, g *Grants) *skald.Service {
	a := &authorizer{p, g}
	return skald.NewService("authorizer",
		skald.Step(events.AuthorizeTopic, events.NotifyTopic, a.grant).Compensate(a.revoke),
	)
}

type authorizer struct {
	policies *Policies
	grants   *Grants
}

// grant decides once: a repeat gets what was granted the first time, whatever the policies say by then. It rejects the saga of a
// user who is entitled to nothing.
func (a *authorizer) grant(ctx context.Context, in events.Authorize) (events.Notify, error) {
	entitled := a.policies.Entitled(ctx, in.User, in.Device)
	var granted []string
	err := skaldsql.InTx(ctx, a.grants.db, func(tx *sql.Tx) (err error) {
		key := skald.IdempotencyKey(ctx)
		granted, err = skaldsql.Once(ctx, tx, key, func(ctx context.Context) ([]string, error) {
			if len(entitled) == 0 {
				return nil, skald.Reject("no policy grants anything to " + in.User.Department)
			}
			return entitled, insert(ctx, tx, key, in.User.Email, entitled)
		})
		return err
	})
	if err != nil {
		return events.Notify{}, err
	}
	return events.Notify{User: in.User, Device: in.Device, Grants: granted, Message: in.Message}, nil
}

// revoke finds the grants by the saga's key and not by out, which is nil when grant did its work and never finished.
func (a *authorizer) revoke(ctx context.Context, _ events.Authorize, _ *events.Notify) error {
	return skaldsql.InTx(ctx, a.grants.db, func(tx *sql.Tx) error {
		key := skald.IdempotencyKey(ctx)
		return skaldsql.Undo(ctx, tx, key, func(ctx context.Context) error {
			return remove(ctx, tx, key)
		})
	})
}
