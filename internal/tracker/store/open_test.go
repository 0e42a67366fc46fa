package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/postgrestest"
)

func TestStoreSurvives(t *testing.T) { eachDialect(t, testStoreSurvives) }

func testStoreSurvives(t *testing.T, dsn string) {
	s, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reset(t.Context(), "cluster one"); err != nil {
		t.Fatal(err)
	}
	position := Position{Topic{"authorize", [16]byte{9}}, 2, 77, 76}
	instance := Instance{"authorizer", "one", 5, []byte("hello")}
	seq := update(t, s, func(tx *Tx) error {
		return errors.Join(tx.Save([]*Saga{saga(1, "onboarding", "running")}),
			tx.SavePositions([]Position{{position.Topic, 2, 7, 7}}), tx.SavePositions([]Position{position}), tx.SaveInstances([]Instance{instance}))
	})
	if !s.Durable() || s.Close() != nil {
		t.Fatal("the store isn't durable, or doesn't close")
	}

	s = openStore(t, dsn)
	cluster, err := s.Cluster(t.Context())
	again, err2 := s.Seq(t.Context())
	positions, err3 := s.Positions(t.Context())
	instances, err4 := s.Instances(t.Context())
	if err := errors.Join(err, err2, err3, err4); err != nil || cluster != "cluster one" || again != seq {
		t.Errorf("cluster %q, seq %d (before %d), error %v", cluster, again, seq, err)
	}
	if diff := cmp.Diff([]Position{position}, positions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Instance{instance}, instances); diff != "" {
		t.Error(diff)
	}
	if err := s.Reset(t.Context(), "cluster two"); err != nil {
		t.Fatal(err)
	}
	if sagas, err := s.List(t.Context(), Filter{Limit: 1}); err != nil || len(sagas) != 0 {
		t.Errorf("after a reset: %v, error %v", sagas, err)
	}
	if reset, err := s.Seq(t.Context()); err != nil || reset <= seq {
		t.Errorf("sequence number %d after a reset, %d before, error %v", reset, seq, err)
	}
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{saga(1, "onboarding", "running")}) })
	if found, err := s.List(t.Context(), Filter{Search: "person", Limit: 10}); err != nil || len(found) != 1 {
		t.Errorf("the first saga after a reset: found %v, error %v", found, err)
	}
}

func TestTemporaryStoreIsRemoved(t *testing.T) {
	temporary, err := Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	dir := temporary.temp.path
	if temporary.Durable() || temporary.Close() != nil {
		t.Error("a temporary store is durable, or doesn't close")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestPathWithOddCharacters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with # and ?", "tracker.db")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	openStore(t, path)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// Who killed a process can start it again at once, and who starts it twice is told.
func TestFileIsOneProcesss(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tracker.db")
	first := openStore(t, path)
	update(t, first, func(*Tx) error { return nil }) // it holds the lease
	if second, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("opened twice: %v, error %v", second, err)
	}
	if err := errors.Join(first.reader.Close(), first.writer.Close(), first.lock.Close()); err != nil { // as a kill does, without resigning
		t.Fatal(err)
	}
	first.reader, first.writer, first.lock = nil, nil, nil
	next := openStore(t, path)
	if err := next.Lead(t.Context()); err != nil {
		t.Errorf("the next process can't write: %v", err)
	}
}

func TestWhatKilledProcessesLeftIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dead := filepath.Join(os.TempDir(), tempPattern+"dead")
	if err := os.MkdirAll(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "tracker.db"} {
		if err := os.WriteFile(filepath.Join(dead, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alive := openStore(t, "")
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dead, err)
	}
	openStore(t, "")
	if _, err := os.Stat(alive.temp.path); err != nil {
		t.Errorf("the directory of a store in use is gone: %v", err)
	}
}

// Each error is one line, names what is wrong, and keeps the password to itself.
func TestWrongDSN(t *testing.T) {
	for dsn, want := range map[string]string{
		"mysql://skald:s3cret@db/skald": "postgres://",
		"file:x.db":                     "give the path",
		"host=db password=s3cret":       "postgres://",
		filepath.Join(t.TempDir(), "no", "such", "folder.db"):      "no such file or directory",
		"postgres://skald:s3cret@127.0.0.1:1/skald":                "PostgreSQL 127.0.0.1:1/skald can't be reached",
		"postgres://127.0.0.1:1/skald?password=s3cret":             "connection refused",
		"postgres://skald:s3cret@nobody.invalid/skald":             "can't be reached",
		"postgres://skald:s3cret@127.0.0.1:1,127.0.0.1:2/skald":    "connection refused; 127.0.0.1:2 (127.0.0.1): dial",
		"postgres://skald:s3cret@[::1]:1/skald":                    "PostgreSQL [::1]:1/skald can't be reached",
		"postgres://skald:s3cret%zz@db/skald":                      "can't be read",
		"postgres://skald:s3cret#x@db:port/skald":                  "has to look like",
		"postgres://skald:s3cret@db:s3cret/skald":                  "has to look like",
		"postgresql://skald:s3cret@db/skald?sslmode=s3cret":        "sslmode",
		"postgres://skald:s3cret@db/skald?connect_timeout=s3cret5": "connect_timeout",
	} {
		s, err := Open(t.Context(), dsn)
		switch {
		case err == nil:
			t.Errorf("%s: opened", dsn)
			_ = s.Close()
		case !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: %v; want %q in it, one line, no password", dsn, err, want)
		}
	}
}

func TestServerThatRefuses(t *testing.T) {
	dsn, err := url.Parse(postgrestest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]func(*url.URL){
		"password authentication failed": func(u *url.URL) { u.User = url.UserPassword("skald", "wr0ng") },
		"does not exist":                 func(u *url.URL) { u.Path = "/nobodys" },
		"no schema has been selected":    func(u *url.URL) { u.RawQuery = "search_path=nobodys" },
	} {
		u := *dsn
		want(&u)
		s, err := Open(t.Context(), u.String())
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), change) || strings.Contains(err.Error(), "wr0ng") ||
			strings.Contains(err.Error(), postgrestest.Password) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v; want %q in it, one line, no password", err, change)
		}
	}
}

func TestSilentServer(t *testing.T) {
	l := silentListener(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*connectTimeout, fmt.Errorf("it took more than %s", 2*connectTimeout))
	defer cancel()
	s, err := Open(ctx, "postgres://skald@"+l+"/skald?connect_timeout=1&sslmode=disable")
	if err == nil {
		_ = s.Close()
	}
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("error %v, %v", err, context.Cause(ctx))
	}
}

// Several processes that start at once on an empty database don't get in each other's way.
func TestOpenedAtOnce(t *testing.T) {
	dsn := postgrestest.DSN(t)
	const processes = 4
	opened := make(chan error, processes)
	for range processes {
		go func() {
			s, err := Open(t.Context(), dsn)
			if err == nil {
				err = s.Close()
			}
			opened <- err
		}()
	}
	for range processes {
		select {
		case err := <-opened:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("not open after a minute")
		}
	}
}
