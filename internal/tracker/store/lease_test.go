package store

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/skald-saga/skald/internal/postgrestest"
)

// silentListener takes connections and says nothing.
func silentListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// runOut lets the lease of whoever holds it run out, as if time had passed.
func runOut(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.reader.ExecContext(t.Context(), `UPDATE lease SET held_until = 0`); err != nil {
		t.Fatal(err)
	}
}

func save(s *Store, t *testing.T, g *Saga) error {
	_, err := s.Update(t.Context(), func(tx *Tx) error { return tx.Save([]*Saga{g}) })
	return err
}

func TestOneOfManyWrites(t *testing.T) {
	dsn := postgrestest.DSN(t)
	a, b := openStore(t, dsn), openStore(t, dsn)
	if err := save(a, t, saga(1, "onboarding", "running")); err != nil {
		t.Fatal(err)
	}
	if err := save(b, t, saga(2, "onboarding", "running")); !errors.Is(err, ErrStandby) {
		t.Errorf("the second writes, too: %v", err)
	}
	if got, err := b.List(t.Context(), Filter{Limit: 10}); err != nil || len(got) != 1 {
		t.Errorf("the second reads %v, error %v; want what the first has written, and nothing else", got, err)
	}

	// The first resigns, the second takes over, and the first isn't let in again.
	if err := a.Resign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Lead(t.Context()), b.Lead(t.Context())); err != nil {
		t.Errorf("the lease is free, and the second doesn't get it: %v", err)
	}
	if err := a.Lead(t.Context()); !errors.Is(err, ErrStandby) {
		t.Errorf("both lead: %v", err)
	}
}

// A process that is frozen for longer than its lease, while another writes and is gone again, must not write what it had in
// mind: it knows nothing of what has happened, a new beginning included.
func TestWhoWasFrozenWritesNothing(t *testing.T) {
	dsn := postgrestest.DSN(t)
	frozen, other := openStore(t, dsn), openStore(t, dsn)
	if err := frozen.Reset(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	runOut(t, other)
	if err := other.Reset(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	runOut(t, other) // the other was killed
	if err := save(frozen, t, saga(1, "onboarding", "running")); !errors.Is(err, ErrStandby) {
		t.Errorf("it writes: %v", err)
	}
	if got, err := frozen.List(t.Context(), Filter{Limit: 10}); err != nil || len(got) != 0 {
		t.Errorf("left: %v, error %v", got, err)
	}
	// It begins anew, and may.
	if err := save(frozen, t, saga(1, "onboarding", "running")); err != nil {
		t.Error(err)
	}
}

// Nobody took the lease while it had run out: nothing has happened, so who held it goes on.
func TestLeaseThatRanOutIsRenewed(t *testing.T) { eachDialect(t, testLeaseThatRanOutIsRenewed) }

func testLeaseThatRanOutIsRenewed(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	if err := s.Lead(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), `UPDATE lease SET held_until = 0`); err != nil {
		t.Fatal(err)
	}
	if err := s.Lead(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFailedUpdateTakesNoLease(t *testing.T) {
	dsn := postgrestest.DSN(t)
	a, b := openStore(t, dsn), openStore(t, dsn)
	problem := errors.New("no")
	if _, err := a.Update(t.Context(), func(*Tx) error { return problem }); !errors.Is(err, problem) {
		t.Fatal(err)
	}
	if err := b.Lead(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two processes take the lease from each other in the middle of their transactions, each of which reads, changes and writes one
// row. No change gets lost, and no sequence number is given out twice.
func TestTransactionsNeverOverlap(t *testing.T) {
	dsn := postgrestest.DSN(t)
	robber := openStore(t, dsn)
	const processes, each = 2, 60
	g := saga(1, "onboarding", "running")
	g.State = []byte{}
	if err := save(robber, t, g); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var writing, robbing sync.WaitGroup
	robbing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if _, err := robber.reader.Exec(`UPDATE lease SET held_until = 0`); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	numbers := make([][]int64, processes)
	for i := range processes {
		s := openStore(t, dsn)
		writing.Go(func() {
			for len(numbers[i]) < each {
				seq, err := s.Update(t.Context(), func(tx *Tx) error {
					found, err := tx.Load([]SagaID{g.ID})
					if err != nil {
						return err
					}
					found[g.ID].State = append(found[g.ID].State, byte(i))
					return tx.Save([]*Saga{found[g.ID]})
				})
				switch {
				case err == nil:
					numbers[i] = append(numbers[i], seq)
				case !errors.Is(err, ErrStandby):
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	robbing.Wait()
	all := slices.Concat(numbers...)
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != processes*each {
		t.Errorf("%d transactions have other numbers than the rest: %v", len(slices.Compact(all)), all)
	}
	got, err := robber.Saga(t.Context(), g.ID)
	if err != nil || len(got.State) != processes*each {
		t.Errorf("%d changes are left of %d, error %v", len(got.State), processes*each, err)
	}
}
