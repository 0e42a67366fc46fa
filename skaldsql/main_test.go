package skaldsql_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/skald-saga/skald/skaldsql"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childDatabase); path != "" {
		os.Exit(runChild(path))
	}
	goleak.VerifyTestMain(m)
}

// openMemory opens a database as `skald up` does: in memory, with the one connection that is the database.
func openMemory(t testing.TB) *sql.DB {
	db := open(t, ":memory:")
	db.SetMaxOpenConns(1)
	migrate(t, db)
	return db
}

func openFile(t testing.TB, path, options string) *sql.DB {
	db := open(t, fileDSN(path, options))
	migrate(t, db)
	return db
}

func fileDSN(path, options string) string {
	return "file:" + path + "?_pragma=journal_mode(WAL)" + options
}

const waitForLocks = "&_pragma=busy_timeout(20000)"

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// migrate also creates a table whose rows are the effects: a second effect under a key is a second row.
func migrate(t testing.TB, db *sql.DB) {
	t.Helper()
	ctx := testContext(t)
	if err := skaldsql.Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS deeds (effect_key TEXT, doer INTEGER)`); err != nil {
		t.Fatal(err)
	}
}

// eachDatabase runs a test on each kind of database that Skald's own services are opened on.
func eachDatabase(t *testing.T, test func(*testing.T, *sql.DB)) {
	t.Run("memory", func(t *testing.T) { test(t, openMemory(t)) })
	t.Run("file", func(t *testing.T) { test(t, openFile(t, filepath.Join(t.TempDir(), "db"), waitForLocks)) })
}

// do has an effect once, in a transaction of its own: a row that says who did it.
func do(ctx context.Context, db *sql.DB, key string, doer int) (doneBy int, err error) {
	err = skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
		doneBy, err = skaldsql.Once(ctx, tx, key, func(ctx context.Context) (int, error) {
			_, err := tx.ExecContext(ctx, `INSERT INTO deeds (effect_key, doer) VALUES ($1, $2)`, key, doer)
			return doer, err
		})
		return err
	})
	return doneBy, err
}

// undo takes the effect back, and says whether there was something to take back.
func undo(ctx context.Context, db *sql.DB, key string) (ran bool, err error) {
	err = skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
		return skaldsql.Undo(ctx, tx, key, func(ctx context.Context) error {
			ran = true
			_, err := tx.ExecContext(ctx, `DELETE FROM deeds WHERE effect_key = $1`, key)
			return err
		})
	})
	return ran, err
}

func countDeeds(t testing.TB, db *sql.DB, key string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(testContext(t), `SELECT count(*) FROM deeds WHERE effect_key = $1`, key).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// testContext ends before the test binary's own deadline would hide which test hangs.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
