package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/postgrestest"
)

func TestMain(m *testing.M) {
	code := postgrestest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// eachDialect runs a test on both databases. dsn names one that is empty and the test's own.
func eachDialect(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "tracker.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgrestest.DSN(t)) })
}

func openStore(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
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

func update(t testing.TB, s *Store, f func(*Tx) error) int64 {
	t.Helper()
	seq, err := s.Update(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func sagaID(n int) (id SagaID) {
	copy(id[:], fmt.Sprintf("saga-%011d", n))
	return id
}

func saga(n int, workflow, status string) *Saga {
	return &Saga{
		ID: sagaID(n), Group: Group{Workflow: workflow, Status: status}, Subject: fmt.Sprintf("Person.%d@example.com", n),
		Started: int64(1000 + n), State: []byte{byte(n)},
	}
}

// with selects the groups of a status.
func with(status string) func(Group) bool { return func(g Group) bool { return g.Status == status } }

func numbers(sagas []*Saga) (ns []int) {
	for _, s := range sagas {
		ns = append(ns, int(s.Started-1000))
	}
	return ns
}

func TestSagasAreKept(t *testing.T) { eachDialect(t, testSagasAreKept) }

func testSagasAreKept(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	a, b := saga(1, "onboarding", "running"), saga(2, "onboarding", "running")
	first := update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{a, b}) }) // the number of the last, b
	second := update(t, s, func(tx *Tx) error {
		found, err := tx.Load([]SagaID{sagaID(2), sagaID(3)})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[sagaID(2)] == nil {
			t.Errorf("loaded %v, want saga 2 only", found)
		}
		found[sagaID(2)].Status, found[sagaID(2)].State = "completed", []byte("new")
		return tx.Save([]*Saga{found[sagaID(2)]})
	})
	if second <= first {
		t.Errorf("sequence numbers %d, then %d", first, second)
	}
	got, err := s.Saga(t.Context(), sagaID(2))
	if err != nil {
		t.Fatal(err)
	}
	want := saga(2, "onboarding", "completed")
	want.Began, want.Seq, want.State = first, second, []byte("new")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Saga{})); diff != "" {
		t.Errorf("wanted (-), kept (+):\n%s", diff)
	}
	if got, err := s.Saga(t.Context(), sagaID(3)); got != nil || err != nil {
		t.Errorf("a saga that isn't there: %v, error %v", got, err)
	}
}

// Whatever columns a save changes, lists, counts and search follow.
func TestListsFollowChanges(t *testing.T) { eachDialect(t, testListsFollowChanges) }

func testListsFollowChanges(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{saga(1, "", "running"), saga(2, "onboarding", "running")}) })
	change := func(f func(*Saga)) {
		update(t, s, func(tx *Tx) error {
			found, err := tx.Load([]SagaID{sagaID(1)})
			if err != nil {
				return err
			}
			f(found[sagaID(1)])
			return tx.Save([]*Saga{found[sagaID(1)]})
		})
	}
	change(func(s *Saga) { s.Workflow = "onboarding" })
	change(func(s *Saga) { s.Subject = "somebody else" })
	change(func(s *Saga) { s.Started = 1009 })
	change(func(s *Saga) { s.Status = "halted" })
	for want, f := range map[string]Filter{
		"[9 2]": {}, "[9]": {Groups: with("halted")}, "[2]": {Search: "person"}, "[9] ": {Search: "BODY else", Workflow: "onboarding"},
		"[]": {Workflow: "other"}, "[] ": {Groups: with("completed")},
	} {
		f.Limit = 10
		got, err := s.List(t.Context(), f)
		if err != nil || fmt.Sprint(numbers(got)) != strings.TrimSpace(want) {
			t.Errorf("%+v: %v, error %v, want %s", f, numbers(got), err, want)
		}
	}
	counts, err := s.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"running": 1, "halted": 1}, counts); diff != "" {
		t.Errorf("counts wanted (-), got (+):\n%s", diff)
	}
}

// A producer that makes up workflow names must not break the lists.
func TestVeryManyWorkflows(t *testing.T) { eachDialect(t, testVeryManyWorkflows) }

func testVeryManyWorkflows(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	all := make([]*Saga, 0, maxMerged+50)
	for n := range cap(all) {
		all = append(all, saga(n, fmt.Sprint("made up ", n), "running"))
	}
	update(t, s, func(tx *Tx) error { return tx.Save(all) })
	got, err := s.List(t.Context(), Filter{Groups: with("running"), Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if n, exact, err := s.Count(t.Context(), Filter{Groups: with("running"), From: 1001}); n != int64(len(all)-1) || !exact || err != nil {
		t.Errorf("%d of those that began later, exactly: %t, error %v; want %d", n, exact, err, len(all)-1)
	}
	if diff := cmp.Diff([]int{maxMerged + 49, maxMerged + 48, maxMerged + 47}, numbers(got)); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsAreAppendedOnce(t *testing.T) { eachDialect(t, testRecordsAreAppendedOnce) }

func testRecordsAreAppendedOnce(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	topic, anew := Topic{Name: "authorize", KafkaID: [16]byte{1}}, Topic{Name: "authorize", KafkaID: [16]byte{2}}
	g := saga(1, "onboarding", "running")
	want := []Record{
		{Topic: topic, Partition: 3, Offset: 7, Time: 1, Headers: []byte("h"), Value: []byte("a value"), Size: 7},
		{Topic: topic, Partition: 3, Offset: 8, Time: 2, Headers: []byte{}, Value: nil},
		{Topic: anew, Partition: 3, Offset: 7, Time: 3, Headers: []byte{}, Value: []byte("x"), Size: 1},
	}
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{g}) })
	for range 2 {
		update(t, s, func(tx *Tx) error {
			for _, r := range want {
				if err := tx.Append(g, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	got, err := s.Records(t.Context(), []*Saga{g}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[SagaID][]Record{g.ID: want}, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("appended (-), read (+):\n%s", diff)
	}
	short, err := s.Records(t.Context(), []*Saga{g}, 3)
	if err != nil || short[g.ID][0].Value != nil || short[g.ID][0].Size != 7 || string(short[g.ID][2].Value) != "x" {
		t.Errorf("with values of at most 3 bytes: %v, error %v", short, err)
	}
	if r, ok, err := s.RecordAt(t.Context(), g, "authorize", 3, 7); err != nil || !ok || string(r.Value) != "x" || r.Topic != anew {
		t.Errorf("of two that lie there, the later topic's: %+v, %v, %v", r, ok, err)
	}
	for _, place := range []Record{{Topic: Topic{Name: "notify"}, Partition: 3, Offset: 7}, {Topic: topic, Offset: 7}, {Topic: topic, Partition: 3, Offset: 9}} {
		if r, ok, err := s.RecordAt(t.Context(), g, place.Topic.Name, place.Partition, place.Offset); err != nil || ok {
			t.Errorf("%+v: %+v, %v, %v", place, r, ok, err)
		}
	}
}

func TestFailedUpdateLeavesNothing(t *testing.T) { eachDialect(t, testFailedUpdateLeavesNothing) }

func testFailedUpdateLeavesNothing(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	before, err := s.Seq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problem := errors.New("no")
	if _, err := s.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Save([]*Saga{saga(1, "onboarding", "running")}); err != nil {
			return err
		}
		return errors.Join(problem, tx.SavePositions([]Position{{Topic{Name: "x"}, 0, 5, 0}}))
	}); !errors.Is(err, problem) {
		t.Errorf("error %v", err)
	}
	sagas, err := s.List(t.Context(), Filter{Limit: 1})
	positions, err2 := s.Positions(t.Context())
	counts, err3 := s.Counts(t.Context(), "")
	after, err4 := s.Seq(t.Context())
	if err := errors.Join(err, err2, err3, err4); err != nil || len(sagas)+len(positions)+len(counts) > 0 || after != before {
		t.Errorf("left: %v, %v, %v, seq %d (before %d), error %v", sagas, positions, counts, after, before, err)
	}
}

// A reader that goes on from the last number it has seen misses no change, while the writer goes on.
func TestChangesAreSeenWhileTheyAreMade(t *testing.T) {
	eachDialect(t, testChangesAreSeenWhileTheyAreMade)
}

func testChangesAreSeenWhileTheyAreMade(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	start, err := s.Seq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const sagas, rounds = 40, 200
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := make(chan error, 1)
	go func() {
		defer close(written)
		for round := range rounds {
			if _, err := s.Update(ctx, func(tx *Tx) error {
				var ids []SagaID
				for n := range sagas {
					if n%(round%5+1) == 0 {
						ids = append(ids, sagaID(n))
					}
				}
				found, err := tx.Load(ids)
				if err != nil {
					return err
				}
				var save []*Saga
				for _, id := range ids {
					g := found[id]
					if g == nil {
						g = &Saga{ID: id, Group: Group{Status: "running"}}
					}
					g.State = fmt.Append(nil, round)
					save = append(save, g)
				}
				return tx.Save(save)
			}); err != nil {
				written <- err
				return
			}
		}
	}()
	seen := map[SagaID]string{}
	last, done := start, false
	for !done {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			done = true // what is read now is all
		default:
		}
		for {
			changed, err := s.ChangedSince(ctx, last, "", 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range changed {
				if g.Seq <= last {
					t.Fatalf("number %d after %d", g.Seq, last)
				}
				last, seen[g.ID] = g.Seq, string(g.State)
			}
			if len(changed) < 7 {
				break
			}
		}
	}
	all, err := s.List(ctx, Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != sagas {
		t.Fatalf("%d sagas, want %d", len(all), sagas)
	}
	for _, g := range all {
		if seen[g.ID] != string(g.State) {
			t.Errorf("saga %s: last seen in state %q, it is in %q", g.ID, seen[g.ID], g.State)
		}
	}
}
