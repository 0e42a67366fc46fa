package provisioner

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openMemory is an inventory as `skald up` has it: in memory, where the one connection is the database.
func openMemory(t testing.TB) *Inventory {
	t.Helper()
	db := open(t, ":memory:")
	db.SetMaxOpenConns(1)
	return newInventory(t, db)
}

// openFile is one as several processes would share it.
func openFile(t testing.TB) *Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	return newInventory(t, open(t, "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(20000)"))
}

func newInventory(t testing.TB, db *sql.DB) *Inventory {
	t.Helper()
	inv, err := NewInventory(testContext(t), db)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

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

func begin(ctx context.Context, saga int) context.Context {
	return skaldtest.Context(ctx, sagaID(saga), "provisioner", string(events.NewUserTopic))
}

func end(ctx context.Context, saga int) context.Context {
	return skaldtest.Context(ctx, sagaID(saga), "provisioner", string(events.NotifiedTopic))
}

func sagaID(saga int) string { return fmt.Sprint("saga-", saga) }

func user(department string) events.NewUser {
	return events.NewUser{Name: "Ada Lindqvist", Email: "ada@example.com", Department: department}
}

func wantCounts(t testing.TB, inv *Inventory, want Counts) {
	t.Helper()
	got, err := inv.Counts(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func setStock(t testing.TB, inv *Inventory, model string, n int64) {
	t.Helper()
	if err := inv.SetStock(testContext(t), model, n); err != nil {
		t.Fatal(err)
	}
}

// testContext ends before the test binary's own deadline would hide which test hangs.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
