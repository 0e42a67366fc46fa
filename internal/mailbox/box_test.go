package mailbox

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMailsPageByPage(t *testing.T) {
	b := newBox(100, maxKept)
	for i := range 5 {
		b.add(Mail{MessageID: fmt.Sprint(i)})
	}
	for _, tc := range []struct {
		limit  int
		before uint64
		want   []uint64
	}{
		{2, 0, []uint64{5, 4}}, {2, 4, []uint64{3, 2}}, {2, 2, []uint64{1}}, {2, 1, nil},
		{10, 99, []uint64{5, 4, 3, 2, 1}}, {10, 6, []uint64{5, 4, 3, 2, 1}}, {0, 0, nil},
	} {
		if diff := cmp.Diff(tc.want, seqs(b.Mails(tc.limit, tc.before))); diff != "" {
			t.Errorf("Mails(%d, %d) (-want +got):\n%s", tc.limit, tc.before, diff)
		}
	}
}

func TestLargeMailsPushOutOldOnes(t *testing.T) {
	b := newBox(100, 10_000)
	for range 10 {
		b.add(Mail{Text: strings.Repeat("x", 4000)})
	}
	if got := seqs(b.Mails(100, 0)); !slices.Equal(got, []uint64{10, 9}) {
		t.Errorf("kept %v, want the newest two", got)
	}
	b.add(Mail{Text: strings.Repeat("x", 20_000)})
	if got := seqs(b.Mails(100, 0)); !slices.Equal(got, []uint64{11}) {
		t.Errorf("kept %v, want the newest one, however large", got)
	}
	if b.Count() != 11 {
		t.Errorf("count %d, want 11", b.Count())
	}
}

// Whatever arrives, and whenever it is cleared: what is kept are the newest different mails, in order.
func TestBoxKeepsTheNewest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keep := rapid.IntRange(1, 6).Draw(r, "keep")
		b := newBox(keep, maxKept)
		var model []uint64 // kept, oldest first
		seen := map[string]bool{}
		var last uint64
		var count, repeats int64
		r.Repeat(map[string]func(*rapid.T){
			"add": func(r *rapid.T) {
				id := rapid.StringMatching("[a-h]?").Draw(r, "id")
				b.add(Mail{MessageID: id})
				if seen[id] {
					repeats++
					return
				}
				seen[id] = id != ""
				last++
				count++
				model = append(model, last)
				model = model[max(0, len(model)-keep):]
			},
			"clear": func(*rapid.T) {
				b.Clear()
				model, count = nil, 0
			},
			"": func(r *rapid.T) {
				got := seqs(b.Mails(100, 0))
				slices.Reverse(got)
				if !slices.Equal(got, model) || b.Count() != count || b.Repeats() != repeats {
					r.Fatalf("kept %v, count %d, repeats %d; want %v, %d, %d", got, b.Count(), b.Repeats(), model, count, repeats)
				}
				before := rapid.Uint64Range(1, last+2).Draw(r, "before")
				for _, seq := range seqs(b.Mails(100, before)) {
					if seq >= before {
						r.Fatalf("Mails before %d has %d", before, seq)
					}
				}
			},
		})
	})
}

func TestRecentForgetsTheOldest(t *testing.T) {
	const n = 100
	r := newRecent(n)
	for i := range 10 * n {
		if !r.add(fmt.Sprint(i)) {
			t.Fatalf("%d is new, and was taken for known", i)
		}
		if old := i - n + 1; old >= 0 && r.add(fmt.Sprint(old)) {
			t.Fatalf("%d was given %d others ago, and was taken for new", old, n-1)
		}
	}
	if kept := len(r.current) + len(r.former); kept > 2*n {
		t.Errorf("%d are remembered, want %d at most", kept, 2*n)
	}
}

// A million mails: what is kept of them stays within some 100 MB.
func TestAMillionMailsDoNotEatTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second or two")
	}
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	b := newBox(DefaultKeep, maxKept)
	text := strings.Repeat("x", 400)
	const mails = 1_000_000
	for i := range mails {
		b.add(Mail{MessageID: fmt.Sprintf("%036d@example.com", i), To: "ada@example.com", Text: text[:len(text)-i%2]})
	}
	after := heap()
	if b.Count() != mails || len(b.Mails(2*DefaultKeep, 0)) != DefaultKeep {
		t.Errorf("%d mails, %d kept", b.Count(), len(b.Mails(2*DefaultKeep, 0)))
	}
	grown := int64(after) - int64(before)
	t.Logf("%d MiB", grown>>20)
	if grown > 100<<20 {
		t.Errorf("%d MiB for a million mails", grown>>20)
	}
	runtime.KeepAlive(b)
}

func seqs(mails []Mail) (all []uint64) {
	for _, m := range mails {
		all = append(all, m.Seq)
	}
	return all
}
