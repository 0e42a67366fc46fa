package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAuditIsKeptBoundedAndBeyondAReset(t *testing.T) {
	eachDialect(t, func(t *testing.T, dsn string) {
		s := openStore(t, dsn)
		read := func(before int64, limit int) (all []string) {
			t.Helper()
			entries, err := s.Audit(t.Context(), before, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				all = append(all, e.Action)
			}
			return all
		}
		add := func(n int, before int64) {
			t.Helper()
			e := AuditEntry{
				At: int64(n), Who: "ada", Role: "operator", From: "::1", Action: fmt.Sprint(n), About: "a", Input: "{}", Status: 200, Answer: "Ærlig 'talt'; --",
			}
			if err := s.AddAudit(t.Context(), e, before, 4); err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; n <= 3; n++ {
			add(n, 0)
		}
		if err := s.Reset(t.Context(), "another cluster"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"3", "2", "1"}, read(0, 10)); diff != "" {
			t.Errorf("after a reset: %s", diff)
		}
		entries, err := s.Audit(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := AuditEntry{N: entries[0].N, At: 3, Who: "ada", Role: "operator", From: "::1", Action: "3", About: "a", Input: "{}", Status: 200, Answer: "Ærlig 'talt'; --"}
		if diff := cmp.Diff([]AuditEntry{want}, entries); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"2"}, read(entries[0].N, 1)); diff != "" {
			t.Errorf("the page before: %s", diff)
		}
		add(4, 0)
		add(5, 0)
		if diff := cmp.Diff([]string{"5", "4", "3", "2"}, read(0, 10)); diff != "" {
			t.Errorf("four are kept: %s", diff)
		}
		add(6, 5)
		if diff := cmp.Diff([]string{"6", "5"}, read(0, 10)); diff != "" {
			t.Errorf("what is older than 5 goes: %s", diff)
		}
	})
}
