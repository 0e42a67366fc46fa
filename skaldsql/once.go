package skaldsql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrUndone says that the effect was undone before, so it must not take place any more. [Once] returns it wrapped, for a handler that
// comes too late: return it as it is. The saga has been turned round, and nothing waits for this handler's output.
var ErrUndone error = undoneError{}

type undoneError struct{}

func (undoneError) Error() string { return "the effect was undone" }

// Undone tells Skald's engine, which knows no SQL, what the error means.
func (undoneError) Undone() bool { return true }

// The states of a key's row. Nobody but its own transaction sees a row as claimed, unless that one was committed in
// spite of an error.
const (
	claimed = "claimed"
	done    = "done"
	undone  = "undone"
)

// Once runs fn and stores its result under key, in the transaction tx. If a committed transaction has done so before, fn isn't run
// and its stored result is given back. Under a key that was undone it returns [ErrUndone].
//
// fn does its work by tx. The result is stored as JSON, and what is given back has always been through JSON, the first time
// too, so that a repeat can't differ from it: T must keep in JSON what matters in it.
//
// When Once fails, roll back. fn's error comes back as it is, so one made by skald.Reject stays one; any other is the driver's or says
// what is wrong with the key or the stored result. Two calls with one key at the same time are explained in the package's
// documentation.
func Once[T any](ctx context.Context, tx *sql.Tx, key string, fn func(context.Context) (T, error)) (T, error) {
	var none T
	state, stored, err := claim(ctx, tx, key, claimed)
	switch {
	case err != nil:
		return none, err
	case state == undone:
		return none, fmt.Errorf("skaldsql: key %q: %w", key, ErrUndone)
	case state == done:
		return decode[T](key, stored.String)
	}
	result, err := fn(ctx)
	if err != nil {
		return none, err
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return none, fmt.Errorf("skaldsql: key %q: storing the result: %w", key, err)
	}
	if err := settle(ctx, tx, key, done, sql.NullString{String: string(encoded), Valid: true}); err != nil {
		return none, err
	}
	return decode[T](key, string(encoded))
}

// Undo runs fn, which takes back what was done under key, and leaves a tombstone in its place, in the transaction tx: from then
// on [Once] returns [ErrUndone], and another Undo does nothing.
//
// fn isn't run if nothing was done under key, as when a handler was tried and never finished: its transaction was rolled back,
// so there is nothing to take back by tx. The tombstone alone remains, for a handler that comes late. What a handler may
// have done elsewhere than by tx has to be undone beside Undo, not in fn.
//
// When Undo fails, roll back.
func Undo(ctx context.Context, tx *sql.Tx, key string, fn func(ctx context.Context) error) error {
	// A key without a row gets its tombstone by the claim itself.
	state, stored, err := claim(ctx, tx, key, undone)
	if err != nil || state == undone {
		return err
	}
	if state == done {
		if err := fn(ctx); err != nil {
			return err
		}
	}
	return settle(ctx, tx, key, undone, stored)
}

// claim inserts the key's row with a state of its own, or locks the row that is there, and says what it holds. The update that changes
// nothing is what locks it on PostgreSQL, and what makes it wait for a transaction that has inserted the row and not
// ended yet; a SELECT would neither see that row nor wait.
func claim(ctx context.Context, tx *sql.Tx, key, fresh string) (state string, result sql.NullString, err error) {
	if key == "" {
		return "", result, errors.New("skaldsql: the key is empty: pass skald.IdempotencyKey(ctx) with the context that the handler was given")
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO skald_effects (effect_key, state) VALUES ($1, $2)
		ON CONFLICT (effect_key) DO UPDATE SET effect_key = excluded.effect_key
		RETURNING state, result`, key, fresh).Scan(&state, &result)
	if err != nil {
		return "", result, fmt.Errorf("skaldsql: claiming key %q: %w", key, err)
	}
	return state, result, nil
}

func settle(ctx context.Context, tx *sql.Tx, key, state string, result sql.NullString) error {
	_, err := tx.ExecContext(ctx, `UPDATE skald_effects SET state = $1, result = $2 WHERE effect_key = $3`, state, result, key)
	if err != nil {
		return fmt.Errorf("skaldsql: noting key %q as %s: %w", key, state, err)
	}
	return nil
}

func decode[T any](key, stored string) (v T, err error) {
	if err := json.Unmarshal([]byte(stored), &v); err != nil {
		return v, fmt.Errorf("skaldsql: key %q: its stored result doesn't fit %T: %w", key, v, err)
	}
	return v, nil
}
