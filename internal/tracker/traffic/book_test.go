package traffic

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var notify = Way{Workflow: "onboarding", From: "authorizer", Topic: "notify", To: "notifier"}

func same(w Way) Way { return w }

func flow(at time.Time, took time.Duration) Flow {
	return Flow{Way: notify, Produced: at.UnixNano(), Handled: at.Add(took).UnixNano(), Took: took}
}

// put adds flows to a book, as of a time, by way of rows as they are stored.
func put(t testing.TB, b *Book, at time.Time, flows ...Flow) {
	c := b.Change()
	for i := range flows {
		c.Add(&flows[i], 1)
	}
	if err := b.Load(c.Rows(at)); err != nil {
		t.Fatal(err)
	}
}

func TestQuantilesAreWithinABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(11*24*time.Hour)).Draw(t, "d"))
		h := histogram{bucketOf(d): 1}
		if got := h.quantile(.99); got < d-1 || float64(got) > float64(d)*1.0906 {
			t.Fatalf("%v is told as %v", d, got)
		}
	})
	h := histogram{}
	for i := range 100 {
		h[bucketOf(time.Duration(i+1)*time.Second)]++
	}
	if p50, p99 := h.quantile(.5), h.quantile(.99); p50 < 50*time.Second || p50 > 55*time.Second || p99 < 99*time.Second || p99 > 108*time.Second {
		t.Errorf("of 1 to 100 s: p50 %v, p99 %v", p50, p99)
	}
	if got := (histogram{}).quantile(.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
	if got := (histogram{bucketOf(365 * 24 * time.Hour): 1}).quantile(.5); got < 12*24*time.Hour {
		t.Errorf("of a year: %v", got)
	}
}

func TestWindowMinutesAndHistory(t *testing.T) {
	b := NewBook()
	for i := range 150 {
		put(t, b, noon, flow(noon.Add(-3*time.Hour+time.Duration(i)*time.Second), time.Second)) // long ago
	}
	for i := range 10 {
		put(t, b, noon, flow(noon.Add(-time.Duration(i)*time.Minute), 40*time.Second))
	}
	sights := b.Look(5*time.Minute, noon, same)
	if len(sights) != 1 {
		t.Fatalf("%d ways", len(sights))
	}
	s := sights[0]
	// Those of noon - 5 min to noon are produced in the window, and of these all but the one of noon are handled by then, and the one of 11:54.
	if s.Window.Events != 6 || s.Window.Quantile(.99) < 40*time.Second || s.Window.Quantile(.99) > 44*time.Second {
		t.Errorf("in the window: %d events, p99 %v", s.Window.Events, s.Window.Quantile(.99))
	}
	if n := s.Before.Handled(); n != 150+4 {
		t.Errorf("before the window: %d", n)
	}
	if p50 := s.Before.Quantile(.5); p50 < time.Second || p50 > 1100*time.Millisecond {
		t.Errorf("before the window: p50 %v", p50)
	}
	for i, m := range s.Minute {
		want := int64(0)
		if i >= 50 {
			want = 1
		}
		if m.Events != want {
			t.Errorf("minute %d: %d events, want %d", i, m.Events, want)
		}
	}
}

// Whatever a saga's flows were in between, the book holds what they are in the end.
func TestReplacedFlowsLeaveNothingBehind(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		some := func() (flows []Flow) {
			for range random.IntN(4) {
				f := flow(noon.Add(-time.Duration(random.IntN(90))*time.Minute), time.Duration(random.IntN(5000))*time.Millisecond)
				f.Token = Token(random.IntN(4))
				if f.Way.To = []string{"", "notifier"}[random.IntN(2)]; random.IntN(3) == 0 {
					f.Handled, f.Took = 0, -1
				}
				flows = append(flows, f)
			}
			return flows
		}
		replaced, direct := NewBook(), NewBook()
		var last []Flow
		for range 5 {
			next := some()
			c := replaced.Change()
			c.Replace(last, next)
			if err := replaced.Load(c.Rows(noon)); err != nil {
				rt.Fatal(err)
			}
			last = next
		}
		put(t, direct, noon, last...)
		if diff := cmp.Diff(told(direct), told(replaced)); diff != "" {
			rt.Fatalf("counted once (-) and replaced (+):\n%s", diff)
		}
	})
}

// told says what a book knows; what counts nothing isn't told.
func told(b *Book) map[string]string {
	all := map[string]string{}
	for key, t := range b.cells {
		if text := string(t.encode()); text != "\x00\x00\x00\x00" {
			all[fmt.Sprint(b.ways[key.way], key.span, key.since)] = text
		}
	}
	return all
}

func TestOnlyWhatIsKeptIsCounted(t *testing.T) {
	b := NewBook()
	put(t, b, noon, flow(noon.Add(-2*time.Hour), time.Second), flow(noon.Add(-8*24*time.Hour), time.Second), flow(noon.Add(2*time.Hour), time.Second))
	if len(b.cells) != 1 {
		t.Errorf("%d cells, want the hour of two hours ago: %v", len(b.cells), told(b))
	}
	b.Forget(noon.Add(8 * 24 * time.Hour))
	if len(b.cells) != 0 {
		t.Errorf("after a week: %v", told(b))
	}
	for i := range 2 * maxWays {
		f := flow(noon, time.Second)
		f.Way.From = fmt.Sprint("service ", i)
		put(t, b, noon, f)
	}
	if len(b.ways) != maxWays {
		t.Errorf("%d ways", len(b.ways))
	}
}

func TestGarbledRowsAreRefused(t *testing.T) {
	way, tally := notify.encode(), (&Tally{Events: 3}).encode()
	for _, r := range []Row{{Way: way[:5], Tally: tally}, {Way: way, Tally: tally[:2]}, {Way: way, Tally: append(tally, 1)}} {
		if err := NewBook().Load([]Row{r}); err == nil {
			t.Errorf("%q and %q were taken", r.Way, r.Tally)
		}
	}
}
