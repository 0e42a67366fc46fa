package api

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/tracker"
)

// changes is a tracker of which only what has changed can be asked.
type changes struct {
	backend.Tracker

	seq   int64
	sagas map[string]tracker.Saga
	asked int
}

func (c *changes) ChangedSince(_ context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error) {
	c.asked++
	var all []tracker.Saga
	for _, s := range c.sagas {
		if s.Seq > seq && (workflow == "" || s.Workflow == workflow) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b tracker.Saga) int { return int(a.Seq - b.Seq) })
	return all[:min(limit, len(all))], nil
}

// Whatever changes, and however followers come, lag and go on: each gets the newest state of every saga of its workflow, in order, and no
// state twice.
func TestFollowersMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &changes{seq: 1000, sagas: map[string]tracker.Saga{}}
		f := newFeed(c)
		f.most = rapid.IntRange(1, 3000).Draw(t, "bytes")
		type follower struct {
			since, began int64
			workflow     string
			got          map[string]int64
		}
		var followers []*follower
		look := func(w *follower, most int) (more bool) {
			events, upTo, more, err := f.after(t.Context(), w.since, c.seq, w.workflow, most, most)
			if err != nil || len(events) > most || upTo < w.since || upTo > c.seq {
				t.Fatalf("%d events from %d to %d of %d: %v", len(events), w.since, upTo, c.seq, err)
			}
			for _, e := range events {
				if e.seq <= w.since || e.seq > upTo || w.workflow != "" && e.workflow != w.workflow {
					t.Fatalf("event %d of %s, from %d to %d", e.seq, e.workflow, w.since, upTo)
				}
				w.got[e.saga] = e.seq
				w.since = e.seq
			}
			w.since = upTo
			return more
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				w := &follower{since: c.seq, workflow: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "workflow"), got: map[string]int64{}}
				if rapid.Bool().Draw(t, "resumes") {
					w.since = rapid.Int64Range(900, c.seq).Draw(t, "since")
				}
				w.began = w.since
				f.join() // and stays
				followers = append(followers, w)
			case 1, 2:
				for range rapid.IntRange(1, 20).Draw(t, "changes") {
					n := rapid.IntRange(0, 15).Draw(t, "saga")
					c.seq += rapid.Int64Range(1, 2).Draw(t, "positions") // the registry has some, too
					id := fmt.Sprint("saga", n)
					c.sagas[id] = tracker.Saga{ID: id, Seq: c.seq, Workflow: string('a' + rune(n%2))}
				}
			default:
				if len(followers) > 0 {
					look(rapid.SampledFrom(followers).Draw(t, "follower"), rapid.IntRange(1, 12).Draw(t, "most"))
				}
			}
		}
		for _, w := range followers {
			for looks := 0; look(w, 7); looks++ {
				if looks > 1000 {
					t.Fatal("a follower never reaches the end")
				}
			}
			for id, s := range c.sagas {
				if s.Seq > w.began && (w.workflow == "" || w.workflow == s.Workflow) && w.got[id] != s.Seq {
					t.Fatalf("a follower from %d on has %s as of %d, it is at %d", w.began, id, w.got[id], s.Seq)
				}
			}
		}
	})
}

func TestFollowersShareWhatIsLookedUp(t *testing.T) {
	c := &changes{seq: 10, sagas: map[string]tracker.Saga{}}
	f := newFeed(c)
	const followers = 100
	for n := range followers {
		if n == 0 {
			c.seq = 11
			c.sagas["a"] = tracker.Saga{ID: "a", Seq: 11}
		}
		events, upTo, more, err := f.after(t.Context(), 10, c.seq, "", 5, 5)
		if err != nil || len(events) != 1 || upTo != 11 || more {
			t.Fatal(events, upTo, more, err)
		}
	}
	if c.asked != 1 {
		t.Errorf("%d followers asked %d times", followers, c.asked)
	}
}

// Who comes at the end of what followers lag behind doesn't take from them what they share, nor does who follows one workflow run ahead.
func TestNewcomersLeaveOthersWhatTheyShare(t *testing.T) {
	c := &changes{seq: 10, sagas: map[string]tracker.Saga{}}
	f := newFeed(c)
	begin := func(n int) {
		for range n {
			c.seq++
			id := fmt.Sprint("saga", c.seq)
			c.sagas[id] = tracker.Saga{ID: id, Seq: c.seq, Workflow: "a"}
		}
	}
	const laggards = 50
	at := map[int]int64{}
	for n := range laggards {
		f.join()
		at[n] = 10
	}
	begin(2000)
	updates := func(n int) {
		for range n {
			for i := range laggards {
				_, upTo, _, err := f.after(t.Context(), at[i], c.seq, "", 20, 2)
				if err != nil {
					t.Fatal(err)
				}
				at[i] = upTo
			}
		}
	}
	updates(3)
	before := c.asked
	f.join() // comes now, and asks for nothing that is kept
	if events, upTo, _, err := f.after(t.Context(), c.seq, c.seq, "", 20, 2); err != nil || len(events) > 0 || upTo != c.seq {
		t.Fatal(events, upTo, err)
	}
	f.join() // follows another workflow
	if events, upTo, more, err := f.after(t.Context(), at[0], c.seq, "b", 20, 2); err != nil || len(events) > 0 || upTo != at[0]+20 || !more {
		t.Fatal(events, upTo, more, err)
	}
	updates(3)
	if asked := c.asked - before; asked > 2 {
		t.Errorf("%d laggards asked %d times after others had come", laggards, asked)
	}
	if at[0] != 10+6*20 {
		t.Errorf("a laggard is at %d", at[0])
	}
}
