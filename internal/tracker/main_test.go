package tracker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/postgrestest"
	"github.com/skald-saga/skald/internal/tracker/store"
)

func TestMain(m *testing.M) {
	code := postgrestest.Main(withBrokers{m})
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

type withBrokers struct{ m *testing.M }

func (b withBrokers) Run() int { return brokertest.Main(b.m) }

// eachStore runs a test on both databases.
func eachStore(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openStore(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openStoreAt(t, postgrestest.DSN(t))) })
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	return openStoreAt(t, "")
}

func openStoreAt(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// patience is how long a test waits for what should be there in a moment.
const patience = 30 * time.Second

// soon gives a context that ends before the test binary's deadline would hide which test hangs.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

var quiet = slog.New(slog.DiscardHandler)
