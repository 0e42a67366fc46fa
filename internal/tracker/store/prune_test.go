package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func prune(t *testing.T, s *Store, r Retention) (deleted int) {
	t.Helper()
	update(t, s, func(tx *Tx) (err error) {
		deleted, err = tx.Prune(r)
		return err
	})
	return deleted
}

func TestPrune(t *testing.T) { eachDialect(t, testPrune) }

func testPrune(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	all := make([]*Saga, 0, 20)
	for n := range cap(all) {
		g := saga(n, "onboarding", "running")
		if n%2 == 0 { // ten are over, in the order of their numbers
			g.Status, g.Ended = "completed", int64(100+n)
		}
		all = append(all, g)
	}
	update(t, s, func(tx *Tx) error {
		if err := tx.Save(all); err != nil {
			return err
		}
		for _, g := range all {
			if err := tx.Append(g, Record{Topic: Topic{Name: "x"}, Offset: g.Started, Headers: []byte{}}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, test := range []struct {
		name      string
		retention Retention
		deleted   int
		left      int64 // that are over
	}{
		{"nothing is asked for", Retention{NotAfter: 1000, Most: 100}, 0, 10},
		{"nothing is too old, nor too much", Retention{EndedBefore: 100, Keep: 10, NotAfter: 1000, Most: 100}, 0, 10},
		{"two are too old", Retention{EndedBefore: 104, NotAfter: 1000, Most: 100}, 2, 8},
		{"three are too many, two at a time", Retention{Keep: 5, NotAfter: 1000, Most: 2}, 2, 6},
		{"one is left of them", Retention{Keep: 5, NotAfter: 1000, Most: 2}, 1, 5},
		{"too young to go", Retention{Keep: 1, NotAfter: 112, Most: 100}, 2, 3},
		{"all are too old", Retention{EndedBefore: 1000, Keep: 100, NotAfter: 1000, Most: 100}, 3, 0},
		{"none is left", Retention{EndedBefore: 1000, Keep: 1, NotAfter: 1000, Most: 100}, 0, 0},
	} {
		if deleted := prune(t, s, test.retention); deleted != test.deleted {
			t.Errorf("%s: %d went, want %d", test.name, deleted, test.deleted)
		}
		counts, err := s.Counts(t.Context(), "onboarding")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"running": 10, "completed": test.left}
		if test.left == 0 {
			delete(want, "completed")
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("%s: counts wanted (-), got (+):\n%s", test.name, diff)
		}
		found, err := s.List(t.Context(), Filter{Search: "person", Limit: 100})
		if err != nil || int64(len(found)) != 10+test.left {
			t.Errorf("%s: a search finds %d, error %v, want %d", test.name, len(found), err, 10+test.left)
		}
		records, err := s.Records(t.Context(), all, 0)
		if err != nil || int64(len(records)) != 10+test.left {
			t.Errorf("%s: %d sagas have records, error %v, want %d", test.name, len(records), err, 10+test.left)
		}
	}
}

// Numbers of rows are given out again, so a letter that stayed could become another saga's.
func TestLettersGoWithTheirSaga(t *testing.T) { eachDialect(t, testLettersGoWithTheirSaga) }

func testLettersGoWithTheirSaga(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	over, open := saga(2, "onboarding", "abandoned"), saga(1, "onboarding", "halted")
	over.Ended = 5
	update(t, s, func(tx *Tx) error {
		return errors.Join(tx.Save([]*Saga{open, over}), tx.SaveLetters(open, []Letter{letter(1, 10, "a", "halted")}),
			tx.SaveLetters(over, []Letter{letter(2, 20, "a", "discarded")}), tx.SaveLetters(nil, []Letter{letter(3, 5, "a", "loose")}))
	})
	if n := prune(t, s, Retention{EndedBefore: 10, NotAfter: 10, Most: 10}); n != 1 {
		t.Errorf("%d went, want 1", n)
	}
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{saga(3, "onboarding", "running")}) })
	left, err := s.Letters(t.Context(), LetterFilter{Limit: 10})
	if err != nil || len(left) != 2 || left[0].Offset != 1 || left[0].Saga != open.ID || left[1].Offset != 3 || left[1].Saga != (SagaID{}) {
		t.Errorf("left: %+v, error %v; want the open saga's, and that of none", left, err)
	}
}

// A saga that ends, or turns out not to have ended there, is counted right.
func TestPruneFollowsChanges(t *testing.T) { eachDialect(t, testPruneFollowsChanges) }

func testPruneFollowsChanges(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	g := saga(1, "onboarding", "running")
	for _, ended := range []int64{0, 7, 5, 0, 9} {
		update(t, s, func(tx *Tx) error {
			g.Ended = ended
			return tx.Save([]*Saga{g})
		})
	}
	h := saga(2, "onboarding", "completed")
	h.Ended = 8
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{h}) })
	if n := prune(t, s, Retention{Keep: 2, NotAfter: 100, Most: 10}); n != 0 {
		t.Errorf("%d of 2 went, 2 are to be kept", n)
	}
	if n := prune(t, s, Retention{Keep: 1, NotAfter: 100, Most: 10}); n != 1 {
		t.Errorf("%d of 2 went, 1 is to be kept", n)
	}
	if left, err := s.List(t.Context(), Filter{Limit: 10}); err != nil || fmt.Sprint(numbers(left)) != "[1]" {
		t.Errorf("left: %v, error %v; want the one that ended last", numbers(left), err)
	}
}

// What comes from outside may have characters that PostgreSQL has no place for.
func TestOddTexts(t *testing.T) { eachDialect(t, testOddTexts) }

func testOddTexts(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	g := saga(1, "a\x00b", "run\xffning")
	g.Subject, g.State = "nul \x00 and \xc3\x28, ÄÖÜ%_\\ 漢字漢字", []byte{0, 255}
	update(t, s, func(tx *Tx) error {
		if err := tx.SaveInstances([]Instance{{Service: "x\x00", Instance: "\xff", Announcement: []byte("{}")}}); err != nil {
			return err
		}
		return tx.Save([]*Saga{g})
	})
	for search, want := range map[string]int{"nul": 1, "äöü": 1, "%_\\": 1, "漢字漢": 1, "字漢字漢": 0, "' OR": 0, `"%_`: 0} {
		if got, err := s.List(t.Context(), Filter{Search: search, Limit: 10}); err != nil || len(got) != want {
			t.Errorf("%q: %d found, error %v, want %d", search, len(got), err, want)
		}
	}
	got, err := s.List(t.Context(), Filter{Workflow: "a\uFFFDb", Groups: with("run\uFFFDning"), Limit: 10})
	if err != nil || len(got) != 1 {
		t.Errorf("by its names: %v, error %v", got, err)
	}
	// The next change of the same must not take it for another.
	update(t, s, func(tx *Tx) error {
		found, err := tx.Load([]SagaID{g.ID})
		if err != nil {
			return err
		}
		found[g.ID].Workflow = "a\x00b"
		return tx.Save([]*Saga{found[g.ID]})
	})
	if counts, err := s.Counts(t.Context(), ""); err != nil || counts["run\uFFFDning"] != 1 {
		t.Errorf("counts %v, error %v", counts, err)
	}
}
