package tracker

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/wire"
)

func TestStatesAreReadAsTheyWereWritten(t *testing.T) {
	states := rapid.Make[state]()
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		if len(s.Steps) == 0 {
			s.Steps = nil
		}
		if len(s.Letters) == 0 {
			s.Letters = nil
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
		s := state{Workflow: claim{1, "onboarding"}, Steps: []stepState{{ID: "a", WorkTopic: "none"}}}
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

func TestHeadersAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.SampledFrom(commonHeaders), rapid.String())
		var written []kgo.RecordHeader
		var want []wire.Header
		for range rapid.IntRange(0, 30).Draw(t, "headers") {
			h := wire.Header{Key: name.Draw(t, "name"), Value: rapid.SliceOf(rapid.Byte()).Draw(t, "value")}
			written, want = append(written, kgo.RecordHeader(h)), append(want, h)
		}
		if diff := cmp.Diff(want, decodeHeaders(encodeHeaders(written)), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("written (-), read (+):\n%s", diff)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte("\x02\x01x\x00\x01y\x01z"))
	f.Fuzz(func(t *testing.T, b []byte) { decodeHeaders(b) })
}
