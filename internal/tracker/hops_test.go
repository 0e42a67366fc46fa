package tracker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
	"github.com/skald-saga/skald/internal/wire"
)

func declare(t *testing.T, tr *Tracker) {
	t.Helper()
	for _, a := range announcements {
		tr.registry.add(a, a.Encode(), time.Now())
	}
}

func hopTo(t *testing.T, hops []Hop, topic string, undo bool) Hop {
	t.Helper()
	for _, h := range hops {
		if h.Topic == topic && h.Undo == undo {
			return h
		}
	}
	t.Fatalf("no hop through %s, undo %t, in %s", topic, undo, mustJSON(hops))
	return Hop{}
}

// A saga that a service has had for far longer than usual is stuck, if there is a usual time.
func TestStuckAgainstItsOwnHistory(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		tr := New(Config{Store: s, Logger: quiet})
		declare(t, tr)
		j := newJournal()
		j.now = time.Now().Add(-10 * time.Minute)
		held := plain(1000)
		held.Stops, held.Parked[2] = 2, true
		early := j.write(held)
		for n := range fewest - 1 {
			j.write(plain(n))
		}
		putRecords(t, s, j.records)
		saga, err := tr.Saga(t.Context(), early)
		if err != nil || saga.Stuck || saga.Usual != 0 {
			t.Errorf("without a history: stuck %t, usually %v, error %v", saga.Stuck, saga.Usual, err)
		}
		j.records = nil
		j.write(plain(fewest))
		putRecords(t, s, j.records)
		again := New(Config{Store: s, Logger: quiet}) // from what is stored
		declare(t, again)
		if saga, err = again.Saga(t.Context(), early); err != nil {
			t.Fatal(err)
		}
		said := saga.Sentence(time.Now())
		if !saga.Stuck || saga.Usual < 20*time.Millisecond || saga.Usual > 40*time.Millisecond ||
			!strings.HasPrefix(said, "notifier has had it for 9 min") && !strings.HasPrefix(said, "notifier has had it for 10 min") ||
			!strings.HasSuffix(said, "; usually 0.02 s.") {
			t.Errorf("stuck %t, usually %v: %q", saga.Stuck, saga.Usual, said)
		}
		for name, q := range map[string]Query{
			"all": {Stuck: true}, "of a service": {Stuck: true, Service: "notifier", Status: Open, OldestFirst: true}, "by ID": {Stuck: true, Search: early},
		} {
			page, err := again.Sagas(t.Context(), q)
			count, err2 := again.Count(t.Context(), q)
			if err != nil || err2 != nil || len(page.Sagas) != 1 || page.Sagas[0].ID != early || page.Next != "" || count != (Count{N: 1}) {
				t.Errorf("%s: %d sagas, next %q, count %+v, %v, %v", name, len(page.Sagas), page.Next, count, err, err2)
			}
		}
		for name, q := range map[string]Query{"over": {Stuck: true, Status: Ended}, "elsewhere": {Stuck: true, Service: "authorizer"}} {
			if page, err := again.Sagas(t.Context(), q); err != nil || len(page.Sagas) != 0 {
				t.Errorf("%s: %d sagas, %v", name, len(page.Sagas), err)
			}
		}
		var query *QueryError
		if _, err := again.Sagas(t.Context(), Query{Stuck: true, Cursor: "x"}); !errors.As(err, &query) || query.Field != "cursor" {
			t.Errorf("a garbled cursor: %v", err)
		}
		hops, err := again.Hops(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if h := hopTo(t, hops, "notify", false); h.Running != 1 || h.Stuck != 1 || h.Events != fewest+1 || h.From != "authorizer" || h.To != "notifier" || !h.Declared {
			t.Errorf("%+v", h)
		}
	})
}

// What a hop has been slow with for the last hour isn't usual, unless it has no other history.
func TestSlownessIsNotUsualAtOnce(t *testing.T) {
	now := time.Now()
	way := traffic.Way{Workflow: "onboarding", From: "authorizer", Topic: "notify", To: "notifier"}
	for _, test := range []struct {
		name              string
		fast              time.Duration // when the fast ones were handled
		atLeast, lessThan time.Duration
	}{
		{"fast before the hour", 3 * time.Hour, time.Second, 2 * time.Second},
		{"no history before the hour", 30 * time.Minute, time.Minute, 2 * time.Minute},
	} {
		book := traffic.NewBook()
		change := book.Change()
		for i := range 200 {
			for _, f := range []struct{ ago, took time.Duration }{{test.fast, time.Second}, {time.Duration(i)*15*time.Second + 2*time.Minute, time.Minute}} {
				handled := now.Add(-f.ago)
				change.Add(&traffic.Flow{Way: way, Produced: handled.Add(-f.took).UnixNano(), Handled: handled.UnixNano(), Took: f.took}, 1)
			}
		}
		book.Put(change.Rows(now))
		tr := New(Config{Store: openStore(t), Logger: quiet})
		tr.traffic.Store(book)
		usual, err := tr.usual(t.Context(), now)
		if got := usual[taken{"onboarding", "notify", "notifier", false}]; err != nil || got < test.atLeast || got >= test.lessThan {
			t.Errorf("%s: usually %v, want %v to %v; error %v", test.name, got, test.atLeast, test.lessThan, err)
		}
	}
}

func TestJudgesOnlyWhatRuns(t *testing.T) {
	now := epoch.Add(time.Minute)
	usual := map[taken]time.Duration{{"onboarding", "notify", "notifier", false}: 2 * time.Second}
	step := Step{Service: "notifier", Topic: "notify", State: StepRunning, Queued: now.Add(-7 * time.Second)}
	for _, test := range []struct {
		name   string
		change func(*Saga)
		want   bool
	}{
		{"more than three times as long", func(*Saga) {}, true},
		{"queued", func(s *Saga) { s.Steps[0].State = StepQueued }, true},
		{"three times as long", func(s *Saga) { s.Steps[0].Queued = now.Add(-6 * time.Second) }, false},
		{"retrying", func(s *Saga) { s.Status, s.Steps[0].State = Retrying, StepRetrying }, false},
		{"halted", func(s *Saga) { s.Status, s.Steps[0].State = Halted, StepHalted }, false},
		{"over", func(s *Saga) { s.Status, s.Outcome = wire.Completed, wire.Completed }, false},
		{"another workflow", func(s *Saga) { s.Workflow = "helpdesk" }, false},
		{"begun again a moment ago", func(s *Saga) { s.Steps[0].Redrives, s.Steps[0].Started = 1, now.Add(-time.Second) }, false},
		{"a producer's clock that is ahead", func(s *Saga) { s.Steps[0].Queued = now.Add(time.Hour) }, false},
	} {
		s := Saga{Workflow: "onboarding", Status: Running, Steps: []Step{step}}
		test.change(&s)
		if s.judge(usual, now); s.Stuck != test.want {
			t.Errorf("%s: stuck %t", test.name, s.Stuck)
		}
	}
	s := Saga{Workflow: "onboarding", Status: Running, Steps: []Step{step}}
	if s.judge(map[taken]time.Duration{{"onboarding", "notify", "notifier", false}: time.Millisecond}, now.Add(-3*time.Second)); s.Stuck {
		t.Error("stuck after four seconds")
	}
}

// What waited for a person has no time, and neither has what two clocks tell that disagree; an undo is a way of its own.
func TestTimesThatSayNothingAreUnknown(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		tr := New(Config{Store: s, Logger: quiet})
		declare(t, tr)
		j := newJournal()
		j.now = time.Now().Add(-time.Minute)
		redriven := plain(1)
		redriven.HaltedAt, redriven.Redriven = 1, true
		j.write(redriven)
		for i := range j.records {
			if r := &j.records[i]; r.Topic == "notified" { // the notifier's clock is ahead
				for k := range r.Headers {
					if r.Headers[k].Key == wire.HeaderTime {
						r.Headers[k].Value = []byte(j.now.Add(30 * time.Minute).Format(time.RFC3339Nano))
					}
				}
			}
		}
		turned := plain(2)
		turned.TurnedAt = 2
		j.write(turned)
		putRecords(t, s, j.records)
		hops, err := tr.Hops(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if h := hopTo(t, hops, "authorize", false); h.Events != 2 || h.P99 == 0 || h.P99 > 40*time.Millisecond {
			t.Errorf("after a redrive: %+v", h)
		}
		for _, h := range hops {
			if h.P50 < 0 || h.P99 < 0 || h.Topic == "notified" && !h.Undo && h.P99 != 0 {
				t.Errorf("of clocks that disagree: %+v", h)
			}
		}
		undos := 0
		for _, h := range hops {
			if h.Undo && h.To != "" && h.Events > 0 {
				undos++
			}
		}
		if undos == 0 {
			t.Errorf("no undo in %s", mustJSON(hops))
		}
	})
}

func TestHopsRefuseOtherWindows(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	for _, window := range []time.Duration{-time.Minute, 0, time.Second, 2 * time.Hour} {
		_, err := tr.Hops(t.Context(), window)
		if wrong, ok := errors.AsType[*QueryError](err); !ok || wrong.Field != "window" {
			t.Errorf("%v: %v", window, err)
		}
	}
	if hops, err := tr.Hops(t.Context(), time.Minute); err != nil || len(hops) != 0 {
		t.Errorf("of nothing: %v, error %v", hops, err)
	}
}
