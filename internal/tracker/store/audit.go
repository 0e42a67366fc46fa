package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// AuditEntry is something that somebody asked the console to do. N grows with every entry, and AddAudit gives it.
type AuditEntry struct {
	N                                     int64
	At                                    int64 // Unix nanoseconds
	Who, Role, From, Action, About, Input string
	Status                                int64
	Answer                                string
}

// AddAudit adds an entry, and deletes those before a time, and the oldest of more than most. It needs no lease, as every console that shares
// the database adds its own, and [Store.Reset] keeps them all, as the log can't give them back.
func (s *Store) AddAudit(ctx context.Context, e AuditEntry, before, most int64) (err error) {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write to the audit: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write to the audit: %w", err), tx.Rollback())
		}
	}()
	for _, statement := range []struct {
		text string
		args []any
	}{
		{
			`INSERT INTO audit (asked_at, who, who_role, from_address, action, about, input, status, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			[]any{e.At, e.Who, e.Role, e.From, e.Action, e.About, e.Input, e.Status, e.Answer},
		},
		{`DELETE FROM audit WHERE asked_at < ?`, []any{before}},
		{`DELETE FROM audit WHERE n <= (SELECT max(n) FROM audit) - ?`, []any{most}},
	} {
		if _, err := tx.ExecContext(ctx, s.text(statement.text), statement.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Audit gives entries, the newest first: those with a number below before, or all if that is 0.
func (s *Store) Audit(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	return query(ctx, s, func(rows *sql.Rows) (e AuditEntry, err error) {
		return e, rows.Scan(&e.N, &e.At, &e.Who, &e.Role, &e.From, &e.Action, &e.About, &e.Input, &e.Status, &e.Answer)
	}, `SELECT n, asked_at, who, who_role, from_address, action, about, input, status, answer FROM audit
		WHERE ? = 0 OR n < ? ORDER BY n DESC LIMIT ?`, before, before, limit)
}
