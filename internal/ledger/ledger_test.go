package ledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func sagaID(n int) (id SagaID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	return id
}

// state is what a ledger must keep over commits, aborts and replays.
type state struct {
	Opens      map[SagaID]open
	Lanes      map[string][]string
	Checkpoint any
	Work       int
	Turns      map[SagaID]Turn
}

func stateOf(l *Ledger, withOffsets bool) state {
	s := state{Opens: map[SagaID]open{}, Lanes: map[string][]string{}, Checkpoint: l.Checkpoint(), Work: l.work, Turns: map[SagaID]Turn{}}
	for id := range l.turns {
		s.Turns[id], _ = l.TurnOf(id)
	}
	for id, o := range l.opens {
		if !withOffsets {
			o.offset = 0
		}
		s.Opens[id] = o
	}
	for name, ln := range l.lanes {
		for _, e := range ln.entries {
			text := fmt.Sprintf("%s kind=%d order=%d step=%s data=%v due=%v attempt=%d letter=%s unread=%v redrives=%d", e.ID, e.Kind, e.Order, e.Step, e.Data,
				e.Due, e.Attempt, e.Letter, e.Unread, e.Redrives)
			if withOffsets {
				text += fmt.Sprintf(" offset=%d", e.offset)
			}
			s.Lanes[name] = append(s.Lanes[name], text)
		}
	}
	return s
}

var compareState = cmp.AllowUnexported(open{})

// world is a ledger beside the log that its changes were committed to.
type world struct {
	l       *Ledger
	log     map[int64]Change
	end     int64
	trimmed int64
	serial  int
}

func newWorld() *world { return &world{l: New(10*time.Minute, 1000), log: map[int64]Change{}} }

// commit writes the changes behind some other records (markers, notes), as a real log has them.
func (w *world) commit(gap int64) {
	fence := w.l.Fence()
	changes := append([]Change(nil), w.l.Changes()...)
	offsets := make([]int64, len(changes))
	for i, c := range changes {
		w.end += gap
		offsets[i] = w.end
		w.log[w.end] = c
		w.end++
	}
	if len(offsets)%2 == 1 {
		w.l.changed = 2 * shrinkAfter // every other commit makes the ledger small, which must change nothing
	}
	w.l.Commit(offsets)
	w.trimmed = max(w.trimmed, fence)
	for offset := range w.log {
		if offset < fence {
			delete(w.log, offset)
		}
	}
}

// replay builds a ledger from what the trimmed log holds.
func (w *world) replay() *Ledger {
	r := New(10*time.Minute, 1000)
	for offset := w.trimmed; offset < w.end; offset++ {
		c, ok := w.log[offset]
		switch {
		case !ok:
		case c.Op == Delete:
			r.ReplayDelete(offset, c.Entry.Kind, c.Entry.Saga, c.Entry.ID)
		case c.Entry.Kind == Open:
			r.ReplayOpen(offset, c.Entry.Saga, c.Entry.Accepted, c)
		default:
			r.ReplayPut(offset, c.Entry)
		}
	}
	r.ReplayEnd(w.end)
	return r
}

// step does something that the engine may do in a transaction.
func (w *world) step(t *rapid.T) {
	n := rapid.IntRange(0, 5).Draw(t, "saga")
	saga, lane := sagaID(n), fmt.Sprint("lane", n)
	heads := func() *Entry {
		if ln := w.l.lanes[lane]; ln != nil {
			return ln.entries[0]
		}
		return nil
	}
	switch rapid.SampledFrom([]string{"open", "close", "park", "park", "finish", "halt", "retry", "block", "revive", "turn", "deadlines", "questions", "checkpoint", "rewrite"}).Draw(t, "op") {
	case "open":
		if !w.l.IsOpen(saga) {
			w.l.Open(saga, "onboarding", t0, t0.Add(time.Hour))
		}
	case "close":
		if w.l.IsOpen(saga) {
			w.l.Close(saga, t0)
		}
	case "park":
		w.serial++
		w.l.Park(Entry{ID: fmt.Sprint("event", w.serial), Lane: lane, Saga: saga, Step: "authorize", Data: w.serial}, !w.l.Busy(lane))
	case "finish":
		if e := heads(); e != nil && e.Kind == Work {
			w.l.Finish(e)
		}
	case "halt":
		if e := heads(); e != nil && e.Kind == Work {
			w.l.Finish(e)
			w.l.Stop(Halted, Entry{ID: e.ID, Lane: lane, Saga: saga, Order: e.Order, Step: e.Step, Letter: "letter " + e.ID, Unread: w.serial%2 == 0})
		}
	case "retry":
		if e := heads(); e != nil && e.Kind == Work {
			w.l.Replace(e, Entry{Kind: Work, Step: e.Step, Data: e.Data, Due: t0.Add(time.Minute), Attempt: e.Attempt + 1})
		}
	case "block":
		if e := heads(); e != nil && e.Kind == Work {
			w.l.Replace(e, Entry{Kind: Blocked, Step: e.Step, Data: e.Data})
		}
	case "revive":
		if e := heads(); e != nil && e.Kind != Work {
			w.l.Replace(e, Entry{Kind: Work, Step: e.Step, Data: e.Data, Redrives: e.Redrives + 1})
		}
	case "turn":
		if _, turning := w.l.TurnOf(saga); w.l.IsOpen(saga) && !turning {
			w.l.TurnRound(saga, Turn{Outcome: "cancelled", Reason: "on purpose"}, t0)
		}
	case "deadlines":
		w.l.PassDeadlines(t0.Add(2*time.Hour), rapid.IntRange(0, 3).Draw(t, "most"))
	case "questions":
		w.l.Questions(t0.Add(time.Duration(w.serial)*time.Second), 3, func(asked int) time.Time { return t0.Add(time.Duration(w.serial+asked) * time.Second) })
	case "checkpoint":
		w.serial++
		w.l.SetCheckpoint(w.serial)
	case "rewrite":
		for _, p := range w.l.log.queue[w.l.log.front:] {
			if w.l.alive(p) {
				w.l.putAgain(p)
				break
			}
		}
	}
}

func TestReplayGivesTheCommittedState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 40).Draw(t, "transactions") {
			before := stateOf(w.l, true)
			for range rapid.IntRange(0, 6).Draw(t, "steps") {
				w.step(t)
			}
			if rapid.IntRange(0, 3).Draw(t, "abort") == 0 {
				w.l.Abort()
				if diff := cmp.Diff(before, stateOf(w.l, true), compareState); diff != "" {
					t.Fatalf("an abort changed the state (-before +after):\n%s", diff)
				}
				continue
			}
			w.commit(int64(rapid.IntRange(0, 3).Draw(t, "gap")))
			if diff := cmp.Diff(stateOf(w.l, false), stateOf(w.replay(), false), compareState); diff != "" {
				t.Fatalf("a replay from the fence %d differs (-ledger +replay):\n%s", w.trimmed, diff)
			}
		}
	})
}

func TestFenceKeepsEveryLiveEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 40).Draw(t, "transactions") {
			for range rapid.IntRange(0, 6).Draw(t, "steps") {
				w.step(t)
			}
			w.commit(0)
			fence := w.l.Fence()
			for id, o := range w.l.opens {
				if o.offset < fence {
					t.Fatalf("open saga %x lies at %d, before the fence %d", id, o.offset, fence)
				}
			}
			for id, e := range w.l.entries {
				if e.offset < fence {
					t.Fatalf("entry %s lies at %d, before the fence %d", id, e.offset, fence)
				}
			}
			if w.l.Live() == 0 && fence != w.end {
				t.Fatalf("nothing is live, but the fence %d holds the log back from %d", fence, w.end)
			}
		}
	})
}

func TestLanesRunOneAtATimeInOrder(t *testing.T) {
	l := New(time.Minute, 10)
	all := func(string) int { return 100 }
	first := l.Park(Entry{ID: "1", Lane: "a"}, false)
	l.Park(Entry{ID: "2", Lane: "a"}, false)
	l.Park(Entry{ID: "3", Lane: "b"}, false)
	if got := ids(l.Ready(t0, 10, func(string) int { return 1 })); !cmp.Equal(got, []string{"1"}) {
		t.Fatalf("ready with one place: %v", got)
	}
	if got := ids(l.Ready(t0, 10, all)); !cmp.Equal(got, []string{"3"}) {
		t.Fatalf("ready at first: %v, want the heads of both lanes", got)
	}
	if got := l.Ready(t0, 10, all); len(got) != 0 {
		t.Fatalf("given out twice: %v", ids(got))
	}
	l.Finish(first)
	if got := ids(l.Ready(t0, 10, all)); !cmp.Equal(got, []string{"2"}) {
		t.Fatalf("ready after the head finished: %v, want the next of its lane", got)
	}
}

func TestWorkGivenBackIsGivenOutAgain(t *testing.T) {
	l := New(time.Minute, 10)
	all := func(string) int { return 10 }
	e := l.Park(Entry{ID: "1", Lane: "a"}, false)
	l.Commit([]int64{0})
	l.Ready(t0, 10, all)
	l.GiveBack(e)
	if got := ids(l.Ready(t0, 10, all)); !cmp.Equal(got, []string{"1"}) {
		t.Fatalf("ready after it was given back: %v", got)
	}
	// Given back and finished without a handler, in a transaction that aborts.
	l.GiveBack(e)
	l.Finish(e)
	l.Abort()
	if got := ids(l.Ready(t0, 10, all)); !cmp.Equal(got, []string{"1"}) {
		t.Fatalf("ready after an abort: %v", got)
	}
	// Given out, finished by its handler, aborted: the handler's result is kept, so nobody must run it again.
	l.Finish(e)
	l.Abort()
	if got := l.Ready(t0, 10, all); len(got) != 0 {
		t.Fatalf("%v is given out a second time", ids(got))
	}
	l.Finish(e)
	l.Commit([]int64{1})
	l.GiveBack(e) // too late
	if got := l.Ready(t0, 10, all); len(got) != 0 || l.Unfinished() != 0 {
		t.Fatalf("%v lives on", ids(got))
	}
}

func TestWaitsSaysWhenThereIsWork(t *testing.T) {
	l := New(time.Minute, 10)
	all := func(string) int { return 10 }
	none := func(string) int { return 0 }
	first := l.Park(Entry{ID: "1", Lane: "a"}, true)
	if l.Waits(all) {
		t.Error("work waits whose handler runs")
	}
	l.Park(Entry{ID: "2", Lane: "a"}, false)
	if l.Waits(all) {
		t.Error("work waits that queues")
	}
	l.Finish(first)
	if !l.Waits(all) {
		t.Error("nothing waits, although the next of the lane may run")
	}
	l.Ready(t0, 0, all)
	if !l.Waits(all) {
		t.Error("nothing waits, although Ready left some over")
	}
	l.Ready(t0, 10, all)
	if l.Waits(all) {
		t.Error("work waits after all was given out")
	}
	l.Park(Entry{ID: "3", Lane: "b"}, false)
	l.Ready(t0, 10, none)
	if l.Waits(none) {
		t.Error("work waits that has no place")
	}
	if !l.Waits(all) {
		t.Error("nothing waits, although a place is free again")
	}
}

func TestReadyKeepsWhatMayNotRunYet(t *testing.T) {
	l := New(time.Minute, 10)
	l.Park(Entry{ID: "due", Lane: "a", Due: t0.Add(time.Second)}, false)
	l.Park(Entry{ID: "full", Lane: "b", Step: "full"}, false)
	notFull := func(step string) int {
		if step == "full" {
			return 0
		}
		return 100
	}
	if got := l.Ready(t0, 10, notFull); len(got) != 0 {
		t.Fatalf("ready too early: %v", ids(got))
	}
	if got := ids(l.Ready(t0.Add(time.Second), 10, notFull)); !cmp.Equal(got, []string{"due"}) {
		t.Fatalf("ready when due: %v", got)
	}
	if got := ids(l.Ready(t0, 10, func(string) int { return 100 })); !cmp.Equal(got, []string{"full"}) {
		t.Fatalf("ready when there is a place: %v", got)
	}
}

func TestHaltedLaneStandsStill(t *testing.T) {
	l := New(time.Minute, 10)
	e := l.Park(Entry{ID: "1", Lane: "a"}, true)
	l.Park(Entry{ID: "2", Lane: "a"}, false)
	l.Finish(e)
	l.Stop(Halted, Entry{ID: "1", Lane: "a", Order: e.Order})
	if got := l.Ready(t0, 10, func(string) int { return 100 }); len(got) != 0 {
		t.Fatalf("%v runs in a halted lane", ids(got))
	}
}

func TestRewriteBoundsTheLog(t *testing.T) {
	w := newWorld()
	w.l.Park(Entry{ID: "old", Lane: "old", Data: 1}, true)
	w.commit(0)
	for n := range 20_000 {
		e := w.l.Park(Entry{ID: fmt.Sprint(n), Lane: "x"}, true)
		w.l.Rewrite(100)
		w.commit(0)
		w.l.Finish(e)
		w.commit(0)
	}
	if held := w.end - w.l.Fence(); held > 2*rewriteSlack {
		t.Fatalf("one old entry holds back %d records", held)
	}
	if w.replay().Entry("old") == nil {
		t.Fatal("the old entry is lost")
	}
}

// Whatever is opened, closed, aborted and acted on: each deadline is acted on once, when it has passed, and none is lost.
func TestDeadlinesPassOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New(time.Hour, 1000)
		now := t0
		due := map[SagaID]time.Time{} // of open sagas that weren't told
		told := map[SagaID]bool{}
		serial := 0
		for range rapid.IntRange(1, 60).Draw(t, "transactions") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			nextDue, nextTold := maps.Clone(due), maps.Clone(told)
			for range rapid.IntRange(0, 3).Draw(t, "opened") {
				serial++
				at := now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "deadline")) * time.Second)
				l.Open(sagaID(serial), "w", now, at)
				nextDue[sagaID(serial)] = at
			}
			for n := range serial {
				if saga := sagaID(n + 1); l.IsOpen(saga) && rapid.IntRange(0, 9).Draw(t, "close") == 0 {
					l.Close(saga, now)
					delete(nextDue, saga)
				}
			}
			passed := l.PassDeadlines(now, 1000)
			for _, saga := range passed {
				switch at, open := nextDue[saga]; {
				case nextTold[saga]:
					t.Fatal("acted on twice")
				case !open || at.After(now):
					t.Fatalf("acted on %v early, or closed", at.Sub(now))
				}
				nextTold[saga] = true
				delete(nextDue, saga)
			}
			for saga, at := range nextDue {
				if !at.After(now) {
					t.Fatalf("the deadline of %x, %v ago, is lost", saga, now.Sub(at))
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "abort") == 0 {
				l.Abort()
				continue
			}
			l.Commit(make([]int64, len(l.Changes())))
			due, told = nextDue, nextTold
			soonest := time.Time{}
			for _, at := range due {
				if soonest.IsZero() || at.Before(soonest) {
					soonest = at
				}
			}
			if got := l.NextDue(); !got.Equal(soonest) {
				t.Fatalf("next due %v, want %v", got, soonest)
			}
		}
	})
}

func ids(entries []*Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}
