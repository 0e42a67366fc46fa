package provisioner

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/skald-saga/skald/skaldsql"
)

// DefaultStock is how many devices of each model a new inventory has.
const DefaultStock = 1_000_000

// Inventory is the devices that the company has: how many of each model are in stock, and who was given which. Its methods are safe
// for concurrent use.
//
// A device gets a row and a serial when it is first assigned; what was never assigned is only a number. So a million devices in stock
// cost nothing.
type Inventory struct{ db *sql.DB }

// schema is for SQLite and PostgreSQL. A device without an assignment is one that came back, and models.returned counts those.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS models (
		model       TEXT PRIMARY KEY,
		stock       BIGINT NOT NULL,
		returned    BIGINT NOT NULL DEFAULT 0,
		next_serial BIGINT NOT NULL
	)`,
	`CREATE TABLE IF NOT EXISTS devices (
		serial      TEXT PRIMARY KEY,
		model       TEXT NOT NULL,
		assignment  TEXT UNIQUE,
		email       TEXT
	)`,
	`CREATE INDEX IF NOT EXISTS devices_returned ON devices (model) WHERE assignment IS NULL`,
	`CREATE TABLE IF NOT EXISTS completions (
		saga_id     TEXT PRIMARY KEY,
		email       TEXT NOT NULL,
		message_id  TEXT NOT NULL,
		noted_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
	)`,
}

// NewInventory is the inventory kept in db. It creates the tables that aren't there, skaldsql's too, with [DefaultStock] of each
// model; what is there stays as it is. The caller closes db.
func NewInventory(ctx context.Context, db *sql.DB) (*Inventory, error) {
	if err := skaldsql.Migrate(ctx, db); err != nil {
		return nil, err
	}
	for _, statement := range schema {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("creating the inventory: %w", err)
		}
	}
	for _, m := range catalogue {
		_, err := db.ExecContext(ctx, `
			INSERT INTO models (model, stock, next_serial) VALUES ($1, $2, $3)
			ON CONFLICT (model) DO NOTHING`, m.name, DefaultStock, m.firstSerial)
		if err != nil {
			return nil, fmt.Errorf("creating the inventory: %w", err)
		}
	}
	return &Inventory{db}, nil
}

// Stock is how many devices of a model can be assigned.
type Stock struct {
	Model string
	Left  int64
}

// Stock gives what is in stock, by model.
func (inv *Inventory) Stock(ctx context.Context) ([]Stock, error) {
	rows, err := inv.db.QueryContext(ctx, `SELECT model, stock FROM models ORDER BY model`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Stock
	for rows.Next() {
		var s Stock
		if err := rows.Scan(&s.Model, &s.Left); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// SetStock sets how many devices of a model can be assigned from now on, 0 or more. Those that have come back count as well.
func (inv *Inventory) SetStock(ctx context.Context, model string, n int64) error {
	if n < 0 {
		return fmt.Errorf("a stock of %d %s: it must be 0 or more", n, model)
	}
	result, err := inv.db.ExecContext(ctx, `UPDATE models SET stock = $1 WHERE model = $2`, n, model)
	if err != nil {
		return err
	}
	if found, err := result.RowsAffected(); err != nil || found == 1 {
		return err
	}
	return fmt.Errorf("there is no model %q: it is one of %s", model, strings.Join(modelNames(), ", "))
}

// Counts are the figures of an inventory.
type Counts struct {
	Assigned  int64 // devices that a user has
	Serials   int64 // different serials among them: as many, or something is badly wrong
	Returned  int64 // devices that were assigned and came back
	Completed int64 // onboardings noted as completed
}

// Counts counts, by going through all devices.
func (inv *Inventory) Counts(ctx context.Context) (c Counts, err error) {
	err = inv.db.QueryRowContext(ctx, `
		SELECT count(assignment), count(DISTINCT CASE WHEN assignment IS NOT NULL THEN serial END),
			count(*) - count(assignment), (SELECT count(*) FROM completions)
		FROM devices`).Scan(&c.Assigned, &c.Serials, &c.Returned, &c.Completed)
	return c, err
}
