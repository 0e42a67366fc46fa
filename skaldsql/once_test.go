package skaldsql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/skaldsql"
)

func TestOnceGivesTheFirstResultToARepeat(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		ctx := testContext(t)
		for doer := 1; doer <= 3; doer++ {
			doneBy, err := do(ctx, db, "k", doer)
			if err != nil || doneBy != 1 {
				t.Errorf("call %d: done by %d, %v; want 1, the first", doer, doneBy, err)
			}
		}
		if n := countDeeds(t, db, "k"); n != 1 {
			t.Errorf("%d effects, want 1", n)
		}
		if doneBy, err := do(ctx, db, "another", 4); err != nil || doneBy != 4 {
			t.Errorf("another key: done by %d, %v; want 4", doneBy, err)
		}
	})
}

func TestOnceForgetsWhatFailed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		ctx := testContext(t)
		outOfStock := errors.New("out of stock")
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, "k", func(ctx context.Context) (int, error) {
				if _, err := tx.ExecContext(ctx, `INSERT INTO deeds (effect_key, doer) VALUES ('k', 1)`); err != nil {
					t.Error(err)
				}
				return 0, outOfStock
			})
			return err
		})
		if !errors.Is(err, outOfStock) {
			t.Errorf("error %v, want fn's own", err)
		}
		if n := countDeeds(t, db, "k"); n != 0 {
			t.Errorf("%d effects of a failed attempt, want 0", n)
		}
		if doneBy, err := do(ctx, db, "k", 2); err != nil || doneBy != 2 {
			t.Errorf("second attempt: done by %d, %v; want 2", doneBy, err)
		}
	})
}

// A result that a repeat would see otherwise than the first call is seen so by the first call too.
func TestOnceGivesWhatWasStored(t *testing.T) {
	type result struct {
		Kept string
		Lost string `json:"-"`
	}
	ctx, db := testContext(t), openMemory(t)
	for _, attempt := range []string{"first", "repeat"} {
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			got, err := skaldsql.Once(ctx, tx, "k", func(context.Context) (result, error) { return result{"kept", "lost"}, nil })
			if diff := cmp.Diff(result{Kept: "kept"}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", attempt, diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestUndoTakesBackOnceAndForEver(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		ctx := testContext(t)
		if _, err := do(ctx, db, "k", 1); err != nil {
			t.Fatal(err)
		}
		if ran, err := undo(ctx, db, "k"); err != nil || !ran {
			t.Errorf("first undo: ran %t, %v; want true", ran, err)
		}
		if ran, err := undo(ctx, db, "k"); err != nil || ran {
			t.Errorf("second undo: ran %t, %v; want false", ran, err)
		}
		wantSpent(t, db, "k")
	})
}

func TestUndoOfWhatNeverHappenedLeavesATombstone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		if ran, err := undo(testContext(t), db, "k"); err != nil || ran {
			t.Errorf("undo: ran %t, %v; want false", ran, err)
		}
		wantSpent(t, db, "k")
	})
}

func TestUndoThatFailedIsRunAgain(t *testing.T) {
	ctx, db := testContext(t), openMemory(t)
	if _, err := do(ctx, db, "k", 1); err != nil {
		t.Fatal(err)
	}
	jammed := errors.New("jammed")
	err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
		return skaldsql.Undo(ctx, tx, "k", func(context.Context) error { return jammed })
	})
	if !errors.Is(err, jammed) {
		t.Errorf("error %v, want fn's own", err)
	}
	if doneBy, err := do(ctx, db, "k", 2); err != nil || doneBy != 1 {
		t.Errorf("after a failed undo: done by %d, %v; want 1, as it still stands", doneBy, err)
	}
	if ran, err := undo(ctx, db, "k"); err != nil || !ran {
		t.Errorf("undo again: ran %t, %v; want true", ran, err)
	}
}

// Whoever commits in spite of Once's error has no effect noted: the next one does it, and an undo has nothing to take back.
func TestClaimThatWasCommittedIsNoEffect(t *testing.T) {
	ctx, db := testContext(t), openMemory(t)
	for _, key := range []string{"again", "undone"} {
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, key, func(context.Context) (int, error) { return 0, errors.New("failed") })
			if err == nil {
				t.Error("no error")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if doneBy, err := do(ctx, db, "again", 2); err != nil || doneBy != 2 {
		t.Errorf("done by %d, %v; want 2", doneBy, err)
	}
	if ran, err := undo(ctx, db, "undone"); err != nil || ran {
		t.Errorf("undo: ran %t, %v; want false", ran, err)
	}
	wantSpent(t, db, "undone")
}

// A cancelled transaction must not take the database in memory with it: its one connection is the database.
func TestCancelledTransactionKeepsTheDatabase(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		if _, err := do(testContext(t), db, "k", 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(testContext(t))
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, "cancelled", func(context.Context) (int, error) { cancel(); return 1, nil })
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if doneBy, err := do(testContext(t), db, "k", 2); err != nil || doneBy != 1 {
			t.Errorf("done by %d, %v; want 1, noted before", doneBy, err)
		}
		if doneBy, err := do(testContext(t), db, "cancelled", 2); err != nil || doneBy != 2 {
			t.Errorf("the cancelled key: done by %d, %v; want 2", doneBy, err)
		}
	})
}

func TestMistakesAreNamed(t *testing.T) {
	ctx, db := testContext(t), openMemory(t)
	if _, err := do(ctx, db, "number", 1); err != nil {
		t.Fatal(err)
	}
	inTx := func(key string, result any) error {
		return skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, key, func(context.Context) (any, error) { return result, nil })
			return err
		})
	}
	otherType := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
		_, err := skaldsql.Once(ctx, tx, "number", func(context.Context) (string, error) { return "", nil })
		return err
	})
	for _, tc := range []struct {
		name, want string
		err        error
	}{
		{"no key", "key is empty: pass skald.IdempotencyKey(ctx)", inTx("", 1)},
		{"not for JSON", `key "channel": storing the result`, inTx("channel", make(chan int))},
		{"of another type", `key "number": its stored result doesn't fit string`, otherType},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, tc.err, tc.want)
		}
	}
}

func TestInTxRollsBackAPanic(t *testing.T) {
	ctx, db := testContext(t), openMemory(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, "k", func(context.Context) (int, error) { panic("boom") })
			return err
		})
	}()
	if doneBy, err := do(ctx, db, "k", 2); err != nil || doneBy != 2 {
		t.Errorf("done by %d, %v; want 2", doneBy, err)
	}
}

func TestMigrateAgainKeepsWhatIsThere(t *testing.T) {
	ctx, db := testContext(t), openMemory(t)
	if _, err := do(ctx, db, "k", 1); err != nil {
		t.Fatal(err)
	}
	if err := skaldsql.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	if doneBy, err := do(ctx, db, "k", 2); err != nil || doneBy != 1 {
		t.Errorf("done by %d, %v; want 1", doneBy, err)
	}
}

func wantSpent(t *testing.T, db *sql.DB, key string) {
	t.Helper()
	if _, err := do(testContext(t), db, key, 99); !errors.Is(err, skaldsql.ErrUndone) {
		t.Errorf("Once after Undo: %v, want ErrUndone", err)
	}
	if n := countDeeds(t, db, key); n != 0 {
		t.Errorf("%d effects after Undo, want 0", n)
	}
}
