package redrive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/tracker"
)

const cause = "0123456789ab"

// bench is a runner over a scripted world, in a bubble of time.
type bench struct {
	*consoletest.World
	*redrive.Runner
	t *testing.T
}

func try(t *testing.T, letters int, test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		w := consoletest.NewWorld()
		w.HaltMany(cause, letters)
		r := redrive.New(&backend.Backend{Tracker: w, Client: &w.Client, Logger: consoletest.Logger(t)})
		defer r.Close()
		test(&bench{w, r, t})
	})
}

func (b *bench) start(o redrive.Options) {
	b.t.Helper()
	if o.Kind == "" {
		o.Kind = redrive.Redrive
	}
	if _, err := b.Start(b.t.Context(), cause, o); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// is wants a phase, and numbers as %d requested, accepted, refused, unanswered, completed, again, otherwise.
func (b *bench) is(phase, numbers, why string) {
	b.t.Helper()
	s, _ := b.Of(cause)
	got := fmt.Sprint(s.Requested, s.Accepted, s.Refused, s.Unanswered, s.Completed, s.Again, s.Otherwise)
	if s.Phase != phase || got != numbers || !strings.Contains(s.Why, why) || why == "" && s.Why != "" {
		b.t.Errorf("%s %s %q, want %s %s %q", s.Phase, got, s.Why, phase, numbers, why)
	}
}

// become lets letters have another status, which the runner then learns.
func (b *bench) become(status string, from, to int64) {
	var offsets []int64
	for i := from; i < to; i++ {
		offsets = append(offsets, i)
	}
	b.LettersBecome(status, offsets...)
	time.Sleep(time.Second) // of the bubble
	synctest.Wait()
}

func TestLettersGoAtTheirRate(t *testing.T) {
	try(t, 100, func(b *bench) {
		b.start(redrive.Options{})
		for i := range 10 {
			b.is(map[bool]string{true: redrive.Following, false: redrive.Running}[i == 9], fmt.Sprintf("%d %d 0 0 0 0 0", 10*i+10, 10*i+10), "")
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
		}
		b.become(tracker.LetterRedriven, 0, 100)
		b.is(redrive.Following, "100 100 0 0 0 0 0", "")
		b.become("completed", 0, 97)
		b.become(tracker.LetterAgain, 97, 99)
		b.is(redrive.Following, "100 100 0 0 97 2 0", "")
		b.become("cancelled", 99, 100)
		b.is(redrive.Done, "100 100 0 0 97 2 1", "")
		if _, err := b.Start(t.Context(), cause, redrive.Options{}); !problem.Is[*problem.Refused](err) {
			t.Error("none is halted any more:", err)
		}
	})
}

// What halts while a run is under way isn't its business: else it would never end.
func TestLaterLettersWait(t *testing.T) {
	try(t, 30, func(b *bench) {
		b.start(redrive.Options{Rate: 20})
		b.AddLetter(tracker.Letter{Partition: 1, Offset: 99, ID: "l", EventID: "e", Service: "notifier", Step: "notify", Status: tracker.LetterHalted, Cause: cause, Time: b.Clock.Add(time.Second)}, "{}")
		time.Sleep(time.Minute)
		b.is(redrive.Following, "30 30 0 0 0 0 0", "")
	})
}

func TestCanaryGoesFirst(t *testing.T) {
	for outcome, want := range map[string][3]string{
		"completed":          {redrive.Running, "21 21 0 0 1 0 0", ""},
		tracker.LetterAgain:  {redrive.Stopped, "1 1 0 0 0 1 0", "the canary halted again"},
		"rejected":           {redrive.Stopped, "1 1 0 0 0 0 1", "the canary's saga didn't complete: rejected"},
		tracker.LetterTurned: {redrive.Canary, "1 1 0 0 0 0 0", ""},
	} {
		t.Run(outcome, func(t *testing.T) {
			try(t, 60, func(b *bench) {
				b.start(redrive.Options{Canary: true})
				time.Sleep(time.Minute)
				b.is(redrive.Canary, "1 1 0 0 0 0 0", "")
				b.LettersBecome(outcome, 0)
				time.Sleep(700 * time.Millisecond)
				synctest.Wait()
				b.is(want[0], want[1], want[2])
				if s, _ := b.Of(cause); s.First == nil || s.First.Status != outcome || s.First.Subject != "user0@example.com" {
					t.Errorf("%+v", s.First)
				}
			})
		})
	}
}

// The one letter that goes first by hand is followed on while the others go.
func TestOneThenTheRest(t *testing.T) {
	try(t, 5, func(b *bench) {
		b.start(redrive.Options{Limit: 1})
		b.become(tracker.LetterRedriven, 0, 1)
		b.is(redrive.Following, "1 1 0 0 0 0 0", "")
		b.start(redrive.Options{})
		b.become("completed", 0, 1)
		s, _ := b.Of(cause)
		if s.First == nil || s.First.Status != "completed" || s.First.Known.IsZero() || s.Letters != 4 {
			t.Errorf("%+v of %d", s.First, s.Letters)
		}
		b.become("completed", 1, 5)
		b.is(redrive.Done, "4 4 0 0 4 0 0", "")
	})
}

func TestStopsByItself(t *testing.T) {
	try(t, 1000, func(b *bench) {
		b.start(redrive.Options{Rate: 100})
		b.become("completed", 0, 19)
		b.become(tracker.LetterAgain, 19, 20)
		if s, _ := b.Of(cause); s.Phase != redrive.Running || s.Again != 1 {
			t.Errorf("5 %% is allowed: %+v", s)
		}
		b.become(tracker.LetterAgain, 20, 21)
		s, _ := b.Of(cause)
		if s.Phase != redrive.Stopped || !strings.Contains(s.Why, "2 of 21 whose outcome is known halted again: more than 5 %") || s.Left() == 0 {
			t.Errorf("%+v", s)
		}
		before := s.Requested
		time.Sleep(time.Minute)
		if s, _ = b.Of(cause); s.Requested != before {
			t.Errorf("it asked for %d more", s.Requested-before)
		}
		b.start(redrive.Options{}) // by hand it can go on all the same
	})
}

func TestPauseAndStop(t *testing.T) {
	try(t, 100, func(b *bench) {
		for _, change := range []func(string) (redrive.State, error){b.Pause, b.Resume, b.Stop} {
			if _, err := change(cause); !problem.Is[*problem.Refused](err) {
				t.Error(err)
			}
		}
		b.start(redrive.Options{})
		for _, step := range []struct {
			change func(string) (redrive.State, error)
			phase  string
		}{{b.Pause, redrive.Paused}, {b.Resume, redrive.Running}, {b.Pause, redrive.Paused}, {b.Stop, redrive.Stopped}} {
			if s, err := step.change(cause); err != nil || s.Phase != step.phase {
				t.Errorf("%s, want %s: %v", s.Phase, step.phase, err)
			}
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		b.is(redrive.Stopped, "10 10 0 0 0 0 0", "")
		b.become("completed", 0, 10)
		b.is(redrive.Stopped, "10 10 0 0 10 0 0", "")
	})
}

func TestServiceAway(t *testing.T) {
	try(t, 40, func(b *bench) {
		b.Client.Answer = func(string) (skald.Answer, error) { return skald.Answer{}, context.DeadlineExceeded }
		b.start(redrive.Options{})
		b.is(redrive.Paused, "10 0 0 10 0 0 0", "notifier hasn't answered 10 requests within 10s, and does it as soon as it runs")
		b.become(tracker.LetterRedriven, 0, 10)
		b.is(redrive.Paused, "10 10 0 0 0 0 0", "notifier hasn't answered")
		b.Client.Answer = func(request string) (skald.Answer, error) {
			if strings.HasSuffix(request, "1/20 at notifier") {
				return skald.Answer{Text: "it was redriven or discarded before"}, nil
			}
			return skald.Answer{Accepted: true, Text: "redriven"}, nil
		}
		_, _ = b.Resume(cause)
		time.Sleep(time.Minute)
		b.is(redrive.Following, "40 39 1 0 0 0 0", "")
		if s, _ := b.Of(cause); len(s.Refusals) != 1 {
			t.Error(s.Refusals)
		}
	})
}

func TestBrokerAway(t *testing.T) {
	try(t, 40, func(b *bench) {
		b.Client.Unasked = errors.New("no broker answers")
		b.start(redrive.Options{Canary: true})
		b.is(redrive.Paused, "0 0 0 0 0 0 0", "nothing more was asked for: no broker answers")
		b.Client.Unasked = nil
		_, _ = b.Resume(cause)
		time.Sleep(time.Second)
		synctest.Wait()
		b.is(redrive.Canary, "1 1 0 0 0 0 0", "") // the canary still goes first
	})
}

func TestDiscardOfAll(t *testing.T) {
	try(t, 3, func(b *bench) {
		b.start(redrive.Options{Kind: redrive.Discard, Reason: "ordered twice"})
		b.become(tracker.LetterTurned, 0, 3)
		b.is(redrive.Following, "3 3 0 0 0 0 0", "")
		b.become("abandoned", 0, 3)
		b.is(redrive.Done, "3 3 0 0 0 0 3", "")
		if asked := b.Client.Requests(); asked[0] != "discard dead letter 1/0 at notifier" {
			t.Error(asked)
		}
	})
}

func TestUnknownCause(t *testing.T) {
	try(t, 1, func(b *bench) {
		if _, err := b.Start(t.Context(), "ffffffffffff", redrive.Options{}); !problem.Is[*problem.Missing](err) {
			t.Error(err)
		}
		b.Close()
		if _, err := b.Start(t.Context(), cause, redrive.Options{Kind: redrive.Redrive}); !errors.Is(err, problem.ErrClosing) {
			t.Error(err)
		}
	})
}
