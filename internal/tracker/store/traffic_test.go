package store

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrafficIsKept(t *testing.T) { eachDialect(t, testTrafficIsKept) }

func testTrafficIsKept(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	if err := s.Reset(t.Context(), "cluster"); err != nil {
		t.Fatal(err)
	}
	way := []byte("\x00\xff way")
	minute, hour := Traffic{60, 120, way, []byte{1}}, Traffic{3600, 0, way, []byte{2}}
	first := update(t, s, func(tx *Tx) error { return tx.SaveTraffic([]Traffic{minute, hour, {60, 60, way, []byte{3}}}) })
	minute.Tally = []byte{9, 0}
	later := update(t, s, func(tx *Tx) error {
		if err := tx.Save([]*Saga{saga(1, "onboarding", "running")}); err != nil {
			return err
		}
		if err := tx.PruneTraffic(60, 120); err != nil {
			return err
		}
		return tx.SaveTraffic([]Traffic{minute})
	})
	for _, test := range []struct {
		seq  int64
		want []Traffic
	}{{0, []Traffic{minute, hour}}, {first, []Traffic{minute, hour}}, {later, []Traffic{minute}}, {later + 1, nil}} {
		got, err := s.Traffic(t.Context(), test.seq)
		slices.SortFunc(got, func(a, b Traffic) int { return int(a.Span - b.Span) })
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("since %d: wanted (-), read (+), error %v:\n%s", test.seq, err, diff)
		}
	}
	if err := s.Reset(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Traffic(t.Context(), 0); err != nil || len(got) != 0 {
		t.Errorf("after a reset: %v, error %v", got, err)
	}
}
