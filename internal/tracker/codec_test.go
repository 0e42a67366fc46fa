package tracker

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestStatesAreReadAsTheyWereWritten(t *testing.T) {
	states := rapid.Make[state]()
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		if len(s.Steps) == 0 {
			s.Steps = nil
		}
		got, err := decodeState(s.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&s, got); diff != "" {
			t.Fatalf("written (-), read (+):\n%s", diff)
		}
	})
}

func TestGarbledStatesAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := state{Workflow: claim{1, "onboarding"}, Steps: []stepState{{ID: "a", Error: "none"}}}
		whole := s.encode()
		cut := whole[:rapid.IntRange(0, len(whole)-1).Draw(t, "length")]
		if got, err := decodeState(cut); err == nil && cmp.Equal(&s, got) {
			t.Fatalf("a state cut to %d of %d bytes is read as the whole", len(cut), len(whole))
		}
		if _, err := decodeState(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")); err != nil && !errors.Is(err, errState) {
			t.Fatal(err)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte("\x05ce_id\x01x"))
	f.Fuzz(func(t *testing.T, b []byte) { decodeHeaders(b) })
}
