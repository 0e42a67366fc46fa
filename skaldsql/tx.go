package skaldsql

import (
	"context"
	"database/sql"
)

// InTx runs fn in a transaction of the database's default isolation level: it commits when fn returns nil, and rolls back when fn
// fails or panics. A transaction whose commit fails may have been committed all the same (the connection broke before the
// answer came); that is what [Once] is for.
func InTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and after an error that error is the one to tell
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
