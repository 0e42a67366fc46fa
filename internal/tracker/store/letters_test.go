package store

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func letter(offset, at int64, cause, status string) Letter {
	return Letter{
		Partition: 1, Offset: offset, ID: "id", Event: "event", Service: "notifier", Step: "notify", Class: "failed", Error: "SMTP\x00 451",
		Attempts: 8, Redrives: 1, Time: at, Status: status, Cause: cause,
	}
}

func TestLettersAreKept(t *testing.T) { eachDialect(t, testLettersAreKept) }

func testLettersAreKept(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	ada := saga(1, "onboarding", "halted")
	update(t, s, func(tx *Tx) error {
		if err := tx.Save([]*Saga{ada}); err != nil {
			return err
		}
		if err := tx.SaveLetters(ada, []Letter{letter(1, 10, "a", "halted"), letter(2, 20, "a", "halted"), letter(3, 20, "b", "halted")}); err != nil {
			return err
		}
		return tx.SaveLetters(nil, []Letter{letter(4, 5, "a", "loose")})
	})
	update(t, s, func(tx *Tx) error {
		again := letter(2, 99, "other", "redriven") // only its status is news
		return tx.SaveLetters(ada, []Letter{again})
	})
	list := func(f LetterFilter) (offsets []int64) {
		t.Helper()
		letters, err := s.Letters(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			offsets = append(offsets, l.Offset)
		}
		return offsets
	}
	second := letter(2, 20, "a", "")
	place := second.Place()
	for name, test := range map[string]struct {
		filter LetterFilter
		want   []int64
	}{
		"all":       {LetterFilter{Limit: 10}, []int64{3, 2, 1, 4}},
		"some":      {LetterFilter{Limit: 2}, []int64{3, 2}},
		"the rest":  {LetterFilter{Limit: 10, After: &place}, []int64{1, 4}},
		"oldest":    {LetterFilter{Limit: 2, Oldest: true}, []int64{4, 1}},
		"newer":     {LetterFilter{Limit: 10, Oldest: true, After: &place}, []int64{3}},
		"by cause":  {LetterFilter{Limit: 10, Cause: "a"}, []int64{2, 1, 4}},
		"by status": {LetterFilter{Limit: 10, Cause: "a", Status: "redriven"}, []int64{2}},
		"none":      {LetterFilter{Limit: 10, Cause: "'; DROP TABLE letter"}, nil},
	} {
		if diff := gocmp.Diff(test.want, list(test.filter)); diff != "" {
			t.Errorf("%s: wanted (-), got (+):\n%s", name, diff)
		}
	}
	got, err := s.Letter(t.Context(), 1, 2)
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	want := letter(2, 20, "a", "redriven")
	want.Saga, want.Workflow, want.Subject = ada.ID, ada.Workflow, ada.Subject
	if diff := gocmp.Diff(want, *got, cmpopts.IgnoreFields(Letter{}, "Error")); diff != "" || got.Error == "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
	if none, err := s.Letter(t.Context(), 1, 99); none != nil || err != nil {
		t.Error(none, err)
	}
	some, err := s.LettersAt(t.Context(), []LetterPlace{{Partition: 1, Offset: 4}, {Partition: 1, Offset: 2}, {Partition: 2, Offset: 1}})
	slices.SortFunc(some, func(a, b Letter) int { return cmp.Compare(a.Offset, b.Offset) })
	if err != nil || len(some) != 2 || some[0].Status != "redriven" || some[1].Status != "loose" {
		t.Errorf("%+v, %v", some, err)
	}
	counts, err := s.LetterCounts(t.Context())
	slices.SortFunc(counts, func(a, b StatusCount) int { return cmp.Compare(a.Status, b.Status) })
	if diff := gocmp.Diff([]StatusCount{{"halted", 2}, {"loose", 1}, {"redriven", 1}}, counts); diff != "" || err != nil {
		t.Errorf("wanted (-), got (+):\n%s%v", diff, err)
	}
	spans, err := s.LetterSpans(t.Context(), []string{"a", "b", "c"}, 10, 5)
	if diff := gocmp.Diff([]LetterSpan{{"a", 0, 1}, {"a", 2, 1}, {"b", 2, 1}}, spans); diff != "" || err != nil {
		t.Errorf("wanted (-), got (+):\n%s%v", diff, err)
	}
	causes, err := s.Causes(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	wantCauses := []CauseCount{{"a", "halted", 1, 10, 10}, {"a", "loose", 1, 5, 5}, {"a", "redriven", 1, 20, 20}}
	if diff := gocmp.Diff(wantCauses, causes, cmpopts.SortSlices(func(a, b CauseCount) bool { return a.Status < b.Status })); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

func TestLettersGoWithTheirSagas(t *testing.T) { eachDialect(t, testLettersGoWithTheirSagas) }

func testLettersGoWithTheirSagas(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	over := saga(1, "onboarding", "completed")
	over.Ended = 100
	update(t, s, func(tx *Tx) error {
		if err := tx.Save([]*Saga{over}); err != nil {
			return err
		}
		if err := tx.SaveLetters(nil, []Letter{letter(2, 20, "a", "loose")}); err != nil {
			return err
		}
		return tx.SaveLetters(over, []Letter{letter(1, 10, "a", "completed")})
	})
	update(t, s, func(tx *Tx) error {
		_, err := tx.Prune(Retention{EndedBefore: 200, NotAfter: 200, Most: 10})
		return err
	})
	left, err := s.Letters(t.Context(), LetterFilter{Limit: 10})
	if err != nil || len(left) != 1 || left[0].Offset != 2 {
		t.Errorf("%+v, %v", left, err)
	}
}
