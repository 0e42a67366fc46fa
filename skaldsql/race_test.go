package skaldsql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/skald-saga/skald/skaldsql"
)

// Many at once under one key, in one process: one does it, and all are told who it was.
func TestManyAtOnceHaveOneEffect(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		ctx := testContext(t)
		const callers = 16
		doneBy := make([]int, callers)
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { doneBy[i], errs[i] = do(ctx, db, "k", i) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for i, by := range doneBy {
			if by != doneBy[0] {
				t.Errorf("caller %d was told %d, caller 0 was told %d", i, by, doneBy[0])
			}
		}
		if n := countDeeds(t, db, "k"); n != 1 {
			t.Errorf("%d effects, want 1", n)
		}
	})
}

// The loser on a database that doesn't let it wait: it fails, and is told the winner's result when it tries again.
func TestLoserThatCannotWaitFailsAndTriesAgain(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "db")
	winner, loser := openFile(t, path, ""), openFile(t, path, "")

	err := skaldsql.InTx(ctx, winner, func(tx *sql.Tx) error {
		_, err := skaldsql.Once(ctx, tx, "k", func(context.Context) (int, error) {
			_, err := do(ctx, loser, "k", 2)
			wantBusy(t, "Once", err)
			_, err = undo(ctx, loser, "k")
			wantBusy(t, "Undo", err)
			return 1, nil
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if doneBy, err := do(ctx, loser, "k", 2); err != nil || doneBy != 1 {
		t.Errorf("the loser again: done by %d, %v; want 1", doneBy, err)
	}
}

// The same with a database that lets it wait, and a winner that is rolled back: the loser does it.
func TestLoserThatWaitsDoesWhatTheWinnerDidNot(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "db")
	winner, loser := openFile(t, path, waitForLocks), openFile(t, path, waitForLocks)

	type outcome struct {
		doneBy int
		err    error
	}
	told := make(chan outcome, 1)
	changedItsMind := errors.New("changed its mind")
	err := skaldsql.InTx(ctx, winner, func(tx *sql.Tx) error {
		_, err := skaldsql.Once(ctx, tx, "k", func(context.Context) (int, error) {
			go func() {
				doneBy, err := do(ctx, loser, "k", 2)
				told <- outcome{doneBy, err}
			}()
			return 0, changedItsMind
		})
		return err
	})
	if !errors.Is(err, changedItsMind) {
		t.Fatal(err)
	}
	if got := <-told; got != (outcome{doneBy: 2}) {
		t.Errorf("the loser was told %+v, want that it did it", got)
	}
}

// Undo against Once, at once: whoever comes first, nothing is left.
func TestUndoAgainstOnceLeavesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db *sql.DB) {
		ctx := testContext(t)
		for i := range 50 {
			key := fmt.Sprint("k", i)
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := do(ctx, db, key, 1); err != nil && !errors.Is(err, skaldsql.ErrUndone) {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := undo(ctx, db, key); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			wantSpent(t, db, key)
		}
	})
}

const (
	childDatabase = "SKALDSQL_TEST_CHILD_DATABASE"
	childKeys     = 100
)

// Several processes that go through the same keys: one effect per key.
func TestProcessesAtOnceHaveOneEffect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := openFile(t, path, waitForLocks)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			child := exec.CommandContext(testContext(t), os.Args[0])
			child.Env = append(os.Environ(), childDatabase+"="+path)
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
		})
	}
	wg.Wait()
	for i := range childKeys {
		if n := countDeeds(t, db, childKey(i)); n != 1 {
			t.Errorf("key %d: %d effects, want 1", i, n)
		}
	}
}

func childKey(i int) string { return fmt.Sprint("child/", i) }

func runChild(path string) (exitCode int) {
	db, err := sql.Open("sqlite", fileDSN(path, waitForLocks))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer db.Close()
	for i := range childKeys {
		if _, err := do(context.Background(), db, childKey(i), os.Getpid()); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	return 0
}

func wantBusy(t *testing.T, what string, err error) {
	t.Helper()
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_BUSY {
		t.Errorf("%s of the loser: %v, want SQLITE_BUSY", what, err)
	}
}
