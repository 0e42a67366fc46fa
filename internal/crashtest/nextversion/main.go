// Command nextversion is the authorizer's next version, to which the crash test rolls the real one: it does the same and reads one
// topic more. It takes the flags of skald run that the crash test gives.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"

	_ "modernc.org/sqlite" // the authorizer's database

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldsql"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nextversion:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	brokers := flag.String("brokers", "", "")
	prefix := flag.String("prefix", "", "")
	partitions := flag.Int("partitions", 0, "")
	instance := flag.String("instance", "", "")
	slot := flag.String("slot", "", "")
	lagText := flag.String("lag", "", "")
	store := flag.String("store", "", "data source name of the authorizer's database")
	flag.Parse()
	lag, err := demo.ParseRange(*lagText)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", *store)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	service, err := newService(ctx, db)
	if err != nil {
		return err
	}
	faults := demo.NewFaults(lag, nil, rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // a lag is no secret
	return skald.Run(ctx, skald.Config{
		Brokers: strings.Split(*brokers, ","), Prefix: *prefix, Partitions: int32(*partitions), Instance: *instance, Slot: *slot,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Joined: func(service string) { fmt.Fprintf(os.Stderr, "%s has joined its group\n", service) },
	}, service.Around(faults.Around("authorizer")))
}

// newService is the authorizer's step, written anew, and one that reads along on another topic.
func newService(ctx context.Context, db *sql.DB) (*skald.Service, error) {
	if _, err := authorizer.NewGrants(ctx, db); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS watched (saga_id TEXT PRIMARY KEY, message_id TEXT NOT NULL)`); err != nil {
		return nil, err
	}
	policies, err := authorizer.OpenPolicies("", slog.Default())
	if err != nil {
		return nil, err
	}
	grant := func(ctx context.Context, in events.Authorize) (events.Notify, error) {
		entitled := policies.Entitled(ctx, in.User, in.Device)
		var granted []string
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) (err error) {
			key := skald.IdempotencyKey(ctx)
			granted, err = skaldsql.Once(ctx, tx, key, func(ctx context.Context) ([]string, error) {
				for _, entitlement := range entitled {
					_, err := tx.ExecContext(ctx, `INSERT INTO grants (granted_for, email, entitlement) VALUES ($1, $2, $3)`, key, in.User.Email, entitlement)
					if err != nil {
						return nil, err
					}
				}
				return entitled, nil
			})
			return err
		})
		return events.Notify{User: in.User, Device: in.Device, Grants: granted, Message: in.Message}, err
	}
	watch := func(ctx context.Context, in events.Notified) error {
		_, err := db.ExecContext(ctx, `INSERT INTO watched (saga_id, message_id) VALUES ($1, $2) ON CONFLICT (saga_id) DO NOTHING`,
			skald.SagaID(ctx), in.MessageID)
		return err
	}
	return skald.NewService("authorizer",
		skald.Step(events.AuthorizeTopic, events.NotifyTopic, grant),
		skald.Watch(events.NotifiedTopic, watch),
	), nil
}
