package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// Tx is the one transaction that writes. It ends when the function given to [Store.Update] returns.
type Tx struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	topics     map[Topic]int64
	counts     map[[2]string]int64 // by workflow and status: how many more there are than before
	seq        int64               // the last one given out
	saved      bool
}

// Update runs f and commits what it wrote, all or nothing. After an error, rows that f loaded or saved must not be used again.
// seq is the last sequence number given out, by this or an earlier Update.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) (seq int64, err error) {
	sqlTx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	tx := &Tx{
		ctx: ctx, tx: sqlTx, statements: map[string]*sql.Stmt{}, topics: map[Topic]int64{}, counts: map[[2]string]int64{},
	}
	if err := tx.run(f); err != nil {
		return 0, errors.Join(fmt.Errorf("write to the tracker's database: %w", err), sqlTx.Rollback())
	}
	if err := sqlTx.Commit(); err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	return tx.seq, nil
}

func (tx *Tx) run(f func(*Tx) error) error {
	if err := tx.tx.QueryRowContext(tx.ctx, `SELECT value FROM meta WHERE key = 'seq'`).Scan(&tx.seq); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if !tx.saved {
		return nil
	}
	if err := tx.do(`UPDATE meta SET value = ? WHERE key = 'seq'`, strconv.FormatInt(tx.seq, 10)); err != nil {
		return err
	}
	for key, more := range tx.counts {
		if err := tx.do(`INSERT INTO saga_count (workflow, status, sagas) VALUES (?, ?, ?)
			ON CONFLICT (workflow, status) DO UPDATE SET sagas = sagas + excluded.sagas`, key[0], key[1], more); err != nil {
			return err
		}
	}
	return nil
}

// prepared gives a statement, prepared once per transaction and closed with it.
func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if statement := tx.statements[query]; statement != nil {
		return statement, nil
	}
	statement, err := tx.tx.PrepareContext(tx.ctx, query)
	if err != nil {
		return nil, err
	}
	tx.statements[query] = statement
	return statement, nil
}

func (tx *Tx) exec(query string, args ...any) (sql.Result, error) {
	statement, err := tx.prepared(query) //nolint:sqlclosecheck // see prepared
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(tx.ctx, args...)
}

// do is exec for those who need no result.
func (tx *Tx) do(query string, args ...any) error {
	_, err := tx.exec(query, args...)
	return err
}
