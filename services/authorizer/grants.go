package authorizer

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/skald-saga/skald/skaldsql"
)

// Grants is who was granted what, in SQL. Its methods are safe for concurrent use.
type Grants struct{ db *sql.DB }

// granted_for is the idempotency key of the saga's step: two sagas of one user each have their own grants, and undoing one
// leaves the other's.
const createGrants = `CREATE TABLE IF NOT EXISTS grants (
	granted_for TEXT NOT NULL,
	entitlement TEXT NOT NULL,
	email       TEXT NOT NULL,
	granted_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (granted_for, entitlement)
)`

// NewGrants is the grants kept in db. It creates the tables that aren't there, skaldsql's too. The caller closes db.
func NewGrants(ctx context.Context, db *sql.DB) (*Grants, error) {
	if err := skaldsql.Migrate(ctx, db); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, createGrants); err != nil {
		return nil, fmt.Errorf("creating the table of grants: %w", err)
	}
	return &Grants{db}, nil
}

// Counts are the figures of the grants.
type Counts struct {
	Sagas  int64 // that were granted something
	Grants int64 // of one entitlement each
}

// Counts counts, by going through all grants.
func (g *Grants) Counts(ctx context.Context) (c Counts, err error) {
	err = g.db.QueryRowContext(ctx, `SELECT count(DISTINCT granted_for), count(*) FROM grants`).Scan(&c.Sagas, &c.Grants)
	return c, err
}

func insert(ctx context.Context, tx *sql.Tx, key, email string, entitlements []string) error {
	args := append(make([]any, 0, 2+len(entitlements)), key, email)
	rows := make([]string, 0, len(entitlements))
	for _, entitlement := range entitlements {
		args = append(args, entitlement)
		rows = append(rows, fmt.Sprintf("($1, $2, $%d)", len(args)))
	}
	statement := `INSERT INTO grants (granted_for, email, entitlement) VALUES ` + strings.Join(rows, ", ") //nolint:gosec // of placeholders
	_, err := tx.ExecContext(ctx, statement, args...)
	return err
}

func remove(ctx context.Context, tx *sql.Tx, key string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE granted_for = $1`, key)
	return err
}
