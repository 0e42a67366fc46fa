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
	groups     *numbering
	leaseName  string
	records    [][]any          // to be appended at the end
	headers    [][]any          // of these records
	counts     map[Group]int64  // how many more sagas there are than before
	minutes    map[minute]int64 // how many more have ended
	seq        int64            // the last one given out
	last       int64            // the highest number of a saga
	ended      int64            // how many sagas are over
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
	tx := &Tx{
		dialect: s.dialect, ctx: ctx, tx: sqlTx, statements: map[string]*sql.Stmt{}, groups: &s.groupNumbers,
		counts: map[Group]int64{}, minutes: map[minute]int64{},
	}
	name, err := tx.lead(&s.lease)
	if err == nil {
		err = tx.run(f)
	}
	if err != nil {
		s.groupNumbers = numbering{}
		if errors.Is(err, ErrStandby) {
			s.lease.name = ""
		}
		return 0, errors.Join(fmt.Errorf("write to the tracker's database: %w", err), sqlTx.Rollback())
	}
	if err := sqlTx.Commit(); err != nil {
		s.groupNumbers = numbering{}
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	s.lease.name = name
	return tx.seq, nil
}

func (tx *Tx) lead(l *lease) (name string, err error) {
	if err := tx.begin(tx.ctx, tx); err != nil {
		return "", err
	}
	if name, err = l.take(tx.ctx, tx); err == nil && name != tx.groups.lease {
		*tx.groups = numbering{} // somebody else may have written meanwhile
	}
	tx.leaseName = name
	return name, err
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
	return tx.countMore()
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
