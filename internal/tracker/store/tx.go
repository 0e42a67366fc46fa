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
	dialect
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	topics     map[Topic]int64
	records    [][]any             // to be appended at the end
	counts     map[[2]string]int64 // by workflow and status: how many more there are than before
	seq        int64               // the last one given out
	last       int64               // the highest number of a saga
	ended      int64               // how many sagas are over
	saved      bool
}

// Update runs f and commits what it wrote, all or nothing. After an error, rows that f loaded or saved must not be used again.
// seq is the last sequence number given out, by this or an earlier Update. [ErrStandby] says that another process writes.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) (seq int64, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	sqlTx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	tx := &Tx{dialect: s.dialect, ctx: ctx, tx: sqlTx, statements: map[string]*sql.Stmt{}, counts: map[[2]string]int64{}}
	name, err := tx.lead(&s.lease)
	if err == nil {
		err = tx.run(f)
	}
	if err != nil {
		if errors.Is(err, ErrStandby) {
			s.lease.name = ""
		}
		return 0, errors.Join(fmt.Errorf("write to the tracker's database: %w", err), sqlTx.Rollback())
	}
	if err := sqlTx.Commit(); err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	s.lease.name = name
	return tx.seq, nil
}

func (tx *Tx) lead(l *lease) (name string, err error) {
	if err := tx.begin(tx.ctx, tx); err != nil {
		return "", err
	}
	return l.take(tx.ctx, tx)
}

func (tx *Tx) run(f func(*Tx) error) error {
	if err := tx.tx.QueryRowContext(tx.ctx, `SELECT (SELECT value FROM meta WHERE key = 'seq'), (SELECT value FROM meta WHERE key = 'ended'),
		(SELECT coalesce(max(n), 0) FROM saga)`).Scan(&tx.seq, &tx.ended, &tx.last); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.flush(); err != nil || !tx.saved {
		return err
	}
	if err := tx.runMany(tx, change{update: "meta", columns: []column{text("value")}, key: text("key")}, [][]any{
		{strconv.FormatInt(tx.seq, 10), "seq"}, {strconv.FormatInt(tx.ended, 10), "ended"},
	}); err != nil {
		return err
	}
	var rows [][]any
	for key, more := range tx.counts {
		if more != 0 {
			rows = append(rows, []any{key[0], key[1], more})
		}
	}
	return tx.runMany(tx, change{
		insert: "saga_count", columns: []column{text("workflow"), text("status"), bigint("sagas")},
		conflict: `ON CONFLICT (workflow, status) DO UPDATE SET sagas = saga_count.sagas + excluded.sagas`,
	}, rows)
}

// prepared gives a statement, prepared once per transaction and closed with it.
func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if statement := tx.statements[query]; statement != nil {
		return statement, nil
	}
	statement, err := tx.tx.PrepareContext(tx.ctx, tx.text(query))
	if err != nil {
		return nil, err
	}
	tx.statements[query] = statement
	return statement, nil
}

// do runs a statement that gives nothing back.
func (tx *Tx) do(query string, args ...any) error {
	statement, err := tx.prepared(query) //nolint:sqlclosecheck // see prepared
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(tx.ctx, args...)
	return err
}
