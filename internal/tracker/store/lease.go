package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// leaseTime is how long the right to write outlives the last transaction of who has it. It is the time for which nobody writes
// after a process that shares the database was killed.
const leaseTime = 5 * time.Second

// ErrStandby says that another process writes to the database. Nothing was written.
var ErrStandby = errors.New("another tracker writes to this database")

// lease is this process's right to write. Each time it's taken it has a name of its own, so that who lost it without noticing (a
// process that was frozen) can't go on from what it knew before: its next transaction finds another name and writes nothing.
type lease struct {
	name string // empty: not held, as far as this process knows
}

// take takes the lease, or renews it, in the transaction that it is to protect. The row stays locked until that ends, so two
// processes' transactions never overlap, and sequence numbers grow with commits.
func (l *lease) take(ctx context.Context, tx *Tx) (name string, err error) {
	name, condition, args := l.name, `holder = ?`, []any{l.name}
	if name == "" {
		name, condition, args = uuid.NewString(), `held_until <= `+tx.now(), nil
	}
	result, err := tx.tx.ExecContext(ctx, tx.text(`UPDATE lease SET holder = ?, held_until = `+tx.now()+` + ? WHERE `+condition),
		append([]any{name, leaseTime.Milliseconds()}, args...)...)
	if err != nil {
		return "", err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return name, err
	}
	return "", ErrStandby
}

// Lead takes the right to write, or keeps it for [leaseTime] more; [ErrStandby] says that another process has it. Every
// Update does the same. Who held it and gets ErrStandby has to begin anew from what is stored.
func (s *Store) Lead(ctx context.Context) error {
	_, err := s.Update(ctx, func(*Tx) error { return nil })
	return err
}

// Resign gives the right to write up, so that another process needn't wait for its end.
func (s *Store) Resign(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.lease.name == "" {
		return nil
	}
	_, err := s.writer.ExecContext(ctx, s.text(`UPDATE lease SET held_until = 0 WHERE holder = ?`), s.lease.name)
	s.lease.name = ""
	return err
}
