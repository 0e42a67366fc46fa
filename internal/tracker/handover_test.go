package tracker

import (
	"database/sql"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/postgrestest"
	"github.com/skald-saga/skald/internal/wire"
)

// robLeases lets the lease run out again and again, at any moment of anybody's transaction, until done is closed.
func robLeases(t *testing.T, dsn string, done <-chan struct{}) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	for {
		select {
		case <-done:
			return
		default:
		}
		if _, err := db.Exec(`UPDATE lease SET held_until = 0`); err != nil {
			t.Error(err)
			return
		}
	}
}

// Three trackers take the lease from each other in the middle of their work. What they have written is what one alone makes of
// the log, and who follows the changes, at one of them after the other, has missed none.
func TestHandoversLoseNothing(t *testing.T) {
	broker, dsn := startBroker(t, "127.0.0.1:0"), postgrestest.DSN(t)
	client, j := newClient(t, broker.Addr()), newJournal()
	connection := kafka.Connection{Brokers: []string{broker.Addr()}}
	produce(t, client, "", heartbeats(time.Now(), time.Minute, false))
	var trackers []*Tracker
	for range 3 {
		tr, _ := run(t, Config{Connection: connection, Store: openStoreAt(t, dsn)})
		trackers = append(trackers, tr)
	}
	const sagas = 300
	ids := make([]string, 0, sagas)
	for n := range sagas {
		s := plain(n)
		s.Parked[n%4] = true
		ids = append(ids, j.write(s))
	}
	createTopics(t, client, "", j.records)

	var robbing sync.WaitGroup
	done := make(chan struct{})
	robbing.Go(func() { robLeases(t, dsn, done) })
	seen, last, writers := map[string]string{}, int64(0), map[int]bool{}
	follow := func() {
		for i, tr := range trackers {
			if tr.Status().Writes {
				writers[i] = true
			}
			changed, err := tr.ChangedSince(t.Context(), last, "", 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, saga := range changed {
				if saga.Seq <= last {
					t.Fatalf("number %d after %d", saga.Seq, last)
				}
				last, seen[saga.ID] = saga.Seq, saga.Status
			}
		}
	}
	for chunk := range slices.Chunk(j.records, 50) {
		produce(t, client, "", chunk)
		follow()
	}
	eventually(t, "each tracker to have written", func() bool {
		follow()
		return len(writers) == 3
	})
	close(done)
	robbing.Wait()
	eventually(t, "all to be read", hasReadAll(trackers[0], time.Now()))
	for before := int64(-1); before < last; follow() {
		before = last
	}
	for _, id := range ids {
		if seen[id] != wire.Completed {
			t.Errorf("saga %s: who follows has seen it last as %q", id, seen[id])
		}
	}
	alone := Config{Connection: connection, Store: openStore(t)}
	tr, _ := run(t, alone)
	eventually(t, "the log to be read by one alone", hasReadAll(tr, time.Now()))
	if diff := cmp.Diff(contentsOf(t, alone.Store), contentsOf(t, trackers[0].cfg.Store)); diff != "" {
		t.Errorf("one tracker alone (-), and three together (+):\n%s", diff)
	}
}
