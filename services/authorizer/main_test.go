package authorizer

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/skald-saga/skald/services/events"
	"github.com/skald-saga/skald/skaldtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openMemory keeps grants as `skald up` does: in memory, where the one connection is the database.
func openMemory(t testing.TB) *Grants {
	t.Helper()
	db := open(t, ":memory:")
	db.SetMaxOpenConns(1)
	return newGrants(t, db)
}

// openFile keeps them as several processes would share them.
func openFile(t testing.TB) *Grants {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	return newGrants(t, open(t, "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(20000)"))
}

func newGrants(t testing.TB, db *sql.DB) *Grants {
	t.Helper()
	g, err := NewGrants(testContext(t), db)
	if err != nil {
		t.Fatal(err)
	}
	return g
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

func defaultPolicies(t testing.TB) *Policies {
	t.Helper()
	p, err := OpenPolicies("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var laptop = events.Device{Type: "laptop", Serial: "NB16-00415", Model: "Nordbook 16"}

func user(department string) events.User {
	return events.User{Name: "Ada Lindqvist", Email: "ada@example.com", Department: department}
}

func handling(ctx context.Context, saga int) context.Context {
	return skaldtest.Context(ctx, fmt.Sprint("saga-", saga), "authorizer", string(events.AuthorizeTopic))
}

func wantCounts(t testing.TB, g *Grants, want Counts) {
	t.Helper()
	got, err := g.Counts(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// testContext ends before the test binary's own deadline would hide which test hangs.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
