package tracker

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/postgrestest"
	"github.com/skald-saga/skald/internal/wire"
)

func allUp(t *testing.T, tr *Tracker) func() bool {
	return func() bool {
		services, err := tr.Services(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range services {
			if !s.Instances[0].Up {
				return false
			}
		}
		return len(services) == 3
	}
}

// hasReadAll is true once all is read that was in the log at a time.
func hasReadAll(tr *Tracker, then time.Time) func() bool {
	return func() bool {
		read, ok := tr.lag.caughtUp()
		return ok && read.After(then)
	}
}

// Two trackers share a database: one writes, both tell the same, and the other takes over. What they have written together is
// what one alone makes of the same log.
func TestTrackersShareADatabase(t *testing.T) {
	broker, dsn := startBroker(t, "127.0.0.1:0"), postgrestest.DSN(t)
	cfg := func() Config {
		return Config{Connection: kafka.Connection{Brokers: []string{broker.Addr()}}, Store: openStoreAt(t, dsn)}
	}
	client, j := newClient(t, broker.Addr()), newJournal()
	write := func(n int) string {
		j.records = nil
		s := plain(n)
		s.Parked[1] = true
		id := j.write(s)
		produce(t, client, "", j.records)
		return id
	}
	produce(t, client, "", heartbeats(time.Now(), time.Minute, false))
	one := write(1)
	a, stopA := run(t, cfg())
	await(t, a, "the first saga", completed(a, one))
	b, stopB := run(t, cfg())
	await(t, b, "the first saga at the second tracker", completed(b, one))
	await(t, b, "services that are up at the second tracker", allUp(t, b))
	j.now = time.Now().Add(-time.Minute) // what is older than an hour isn't counted by the minute
	two := write(2)
	await(t, b, "the second saga at the second tracker", completed(b, two))
	eventually(t, "the traffic at the second tracker", func() bool {
		at := time.Now()
		hopsA, hopsB := a.hops(time.Hour, at), b.hops(time.Hour, at)
		return len(hopsA) == 4 && hopsA[3].P99 > 0 && cmp.Equal(hopsA, hopsB)
	})
	eventually(t, "no lag at the second tracker", hasReadAll(b, time.Now()))
	if a, b := a.Status().Writes, b.Status().Writes; !a || b {
		t.Errorf("the first writes: %v, the second writes: %v", a, b)
	}
	seqA, _ := a.Changed()
	seqB, _ := b.Changed()
	if seqA != seqB {
		t.Errorf("a client that goes on at the other tracker is at %d there, and was at %d", seqB, seqA)
	}

	stopA()
	eventually(t, "the second tracker to take over", func() bool { return b.Status().Writes })
	three := write(3)
	await(t, b, "the third saga", completed(b, three))

	// The lease is lost, as if its holder had hung, while a third tracker is there: one of the two has it then.
	c, _ := run(t, cfg())
	await(t, c, "the third saga at the third tracker", completed(c, three))
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE lease SET holder = 'somebody', held_until = 0`); err != nil {
		t.Fatal(err)
	}
	four := write(4)
	await(t, b, "the fourth saga at the second tracker", completed(b, four))
	await(t, c, "the fourth saga at the third tracker", completed(c, four))
	eventually(t, "one of the two to write", func() bool { return b.Status().Writes != c.Status().Writes })
	stopB()
	eventually(t, "the third tracker to write", func() bool { return c.Status().Writes })
	eventually(t, "the third tracker to have read all", hasReadAll(c, time.Now()))

	alone := Config{Connection: kafka.Connection{Brokers: []string{broker.Addr()}}, Store: openStore(t)}
	tr, _ := run(t, alone)
	await(t, tr, "the fourth saga, read from the start", completed(tr, four))
	eventually(t, "a tracker alone to have read all", hasReadAll(tr, time.Now()))
	if diff := cmp.Diff(contentsOf(t, alone.Store), contentsOf(t, c.cfg.Store)); diff != "" {
		t.Errorf("one tracker alone (-), and three together (+):\n%s", diff)
	}
}

// Who is pointed at another log's database by mistake must not empty it.
func TestDatabaseOfAnotherLog(t *testing.T) {
	broker, dsn := startBroker(t, "127.0.0.1:0"), postgrestest.DSN(t)
	client, j := newClient(t, broker.Addr()), newJournal()
	id := j.write(plain(1))
	produce(t, client, "", append(heartbeats(time.Now(), time.Minute, false), j.records...))
	connection := kafka.Connection{Brokers: []string{broker.Addr()}}
	a, _ := run(t, Config{Connection: connection, Store: openStoreAt(t, dsn)})
	await(t, a, "the saga", completed(a, id))

	other := New(Config{Connection: connection, Namespace: wire.Namespace("other."), Store: openStoreAt(t, dsn), Logger: quiet})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := other.follow(ctx); err == nil || !strings.Contains(err.Error(), "needs a database or a search_path of its own") {
		t.Errorf("error %v", err)
	}
	if !completed(a, id)() {
		t.Error("the saga is gone")
	}
}

// While the database is away nothing is told; when it's back everything goes on, and nothing is missing.
func TestDatabaseGoesAwayAndComesBack(t *testing.T) {
	broker, server := startBroker(t, "127.0.0.1:0"), postgrestest.Own(t)
	client, j := newClient(t, broker.Addr()), newJournal()
	one := j.write(plain(1))
	produce(t, client, "", append(heartbeats(time.Now(), time.Minute, false), j.records...))
	tr, stop := run(t, Config{Connection: kafka.Connection{Brokers: []string{broker.Addr()}}, Store: openStoreAt(t, server.DSN(nil))})
	await(t, tr, "the first saga", completed(tr, one))

	server.Kill()
	if _, err := tr.Saga(t.Context(), one); err == nil {
		t.Error("the database is gone, and tells of a saga")
	}
	j.records = nil
	two := j.write(plain(2))
	produce(t, client, "", j.records)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second saga", completed(tr, two))
	if !completed(tr, one)() {
		t.Error("the first saga is gone")
	}
	server.Kill()
	stop() // in a bounded time, also without a database
}
