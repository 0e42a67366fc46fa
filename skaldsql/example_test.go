package skaldsql_test

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/skaldsql"
	"github.com/skald-saga/skald/skaldtest"
)

// A handler takes a device from stock. It is called twice, as after a crash, and then its saga is turned round.
func Example() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection to :memory: is a database of its own

	// The context of a handler: of the service provisioner, for an event on the topic new-user.
	ctx := skaldtest.Context(context.Background(), "saga-1", "provisioner", "new-user")
	if err := skaldsql.Migrate(ctx, db); err != nil {
		panic(err)
	}
	if _, err := db.Exec(`CREATE TABLE stock (devices INTEGER); INSERT INTO stock VALUES (10)`); err != nil {
		panic(err)
	}

	assign := func() (left int, err error) {
		err = skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			left, err = skaldsql.Once(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) (left int, err error) {
				err = tx.QueryRowContext(ctx, `UPDATE stock SET devices = devices - 1 RETURNING devices`).Scan(&left)
				return left, err
			})
			return err
		})
		return left, err
	}
	release := func() error {
		return skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			return skaldsql.Undo(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) error {
				_, err := tx.ExecContext(ctx, `UPDATE stock SET devices = devices + 1`)
				return err
			})
		})
	}

	fmt.Println(assign())
	fmt.Println(assign())
	fmt.Println(release(), release())
	fmt.Println(assign())
	var left int
	fmt.Println(db.QueryRow(`SELECT devices FROM stock`).Scan(&left), left)
	// Output:
	// 9 <nil>
	// 9 <nil>
	// <nil> <nil>
	// 0 skaldsql: key "saga-1/provisioner/new-user": the effect was undone
	// <nil> 10
}
