package skaldsql

import (
	"context"
	"database/sql"
	"fmt"
)

const createTable = `
CREATE TABLE IF NOT EXISTS skald_effects (
	effect_key TEXT PRIMARY KEY,
	state      TEXT NOT NULL,
	result     TEXT,
	noted_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)`

// Migrate creates the table skald_effects, one row per key, in the database of the effects. It may be called at every start, by
// many processes at once, and leaves a table that is there as it is.
//
// Rows are never deleted by this package: a key whose row is gone counts as never used. Whoever wants the space back deletes rows
// that are older than any saga can still be retried, redriven or undone:
//
//	DELETE FROM skald_effects WHERE noted_at < …
func Migrate(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, createTable)
	if err == nil {
		return nil
	}
	// IF NOT EXISTS isn't atomic on PostgreSQL: of two that create the table at once, one fails on the catalogue's unique
	// index. The table is there then, and that is all that was wanted.
	if _, missing := db.ExecContext(ctx, `SELECT 1 FROM skald_effects WHERE 1 = 0`); missing == nil {
		return nil
	}
	return fmt.Errorf("skaldsql: creating the table skald_effects: %w", err)
}
