package redrive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	answerTimeout = 10 * time.Second       // that a service has to answer one chunk
	lookEvery     = 200 * time.Millisecond // at most, for outcomes
	looksAtOnce   = 500                    // letters in one question to the tracker
	chunksASecond = 2
	mostRefusals  = 10
)

// run asks for the letters of one cause, the oldest first, and follows them. What is in state is guarded by the runner's mutex; the rest
// belongs to loop.
type run struct {
	runner *Runner
	state  State
	stop   context.CancelFunc
	poke   chan struct{} // somebody has changed the state

	last    tracker.Letter // the newest letter that was halted when the run began: what halts later isn't its business
	cursor  string
	due     time.Time // of the next chunk
	looked  time.Time
	pending []pending // letters whose outcome isn't known, those first that were looked at longest ago
}

// pending is a letter that was asked for.
type pending struct {
	tracker.LetterPlace
	unanswered bool
	first      bool // it is followed by itself
	before     bool // and was asked for by the run before
}

func (r *run) copied() State {
	s := r.state
	s.Refusals = slices.Clone(s.Refusals)
	if s.First != nil {
		first := *s.First
		s.First = &first
	}
	return s
}

// follow goes on following the one letter that the run before was for, as this one is for the others.
func (r *run) follow(before *run) {
	if b := before.state; b.First != nil && b.Letters == 1 && b.Kind == r.state.Kind && r.state.Letters > 1 && !r.state.Canary {
		first := *b.First
		r.state.First = &first
	}
}

// alter changes the state and lets everybody know.
func (r *run) alter(change func(s *State)) (now State) {
	r.runner.mu.Lock()
	change(&r.state)
	now = r.copied()
	r.runner.mu.Unlock()
	r.runner.changed.Notify()
	return now
}

func (r *run) now() State {
	r.runner.mu.Lock()
	defer r.runner.mu.Unlock()
	return r.copied()
}

// pause is the run's own, for a reason that may pass.
func (r *run) pause(why string) {
	changed := false
	s := r.alter(func(s *State) {
		if changed = s.Asking() && s.Phase != Paused; changed {
			s.Phase, s.Why = Paused, why
		}
	})
	if changed {
		r.runner.b.Logger.Warn("a redrive doesn't go on by itself", "cause", s.Cause, "why", why)
	}
}

func (r *run) loop(ctx context.Context) {
	if f := r.now().First; f != nil && !over(f.Status) {
		r.pending = append(r.pending, pending{LetterPlace: tracker.LetterPlace{Partition: f.Partition, Offset: f.Offset}, first: true, before: true})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		_, changed := r.runner.b.Tracker.Changed()
		if err := r.look(ctx); err != nil {
			r.looked = time.Now().Add(time.Second)
			r.pause("the tracker can't be asked: " + err.Error())
		}
		r.ask(ctx)
		s := r.settle()
		if !s.Asking() && len(r.pending) == 0 {
			return
		}
		wait := time.Hour
		if s.Phase == Running || s.Phase == Canary && s.Requested == 0 {
			wait = time.Until(r.due)
		}
		if soon := lookEvery - time.Since(r.looked); soon > 0 || len(r.pending) == 0 {
			changed = nil
			if len(r.pending) > 0 {
				wait = min(wait, soon)
			}
		}
		timer.Reset(max(wait, 0))
		select {
		case <-timer.C:
		case <-changed:
		case <-r.poke:
		case <-ctx.Done():
		}
	}
}

// settle works out the phase of what can be asked no further.
func (r *run) settle() State {
	now := r.now()
	if now.Phase == Following && len(r.pending) == 0 {
		return r.alter(func(s *State) { s.Phase = Done })
	}
	return now
}

// ask asks for the next letters, if it is time.
func (r *run) ask(ctx context.Context) {
	s := r.now()
	due := s.Phase == Running || s.Phase == Canary && s.Requested == 0
	if !due || time.Now().Before(r.due) {
		return
	}
	chunk := max(1, s.Rate/chunksASecond)
	r.due = time.Now().Add(time.Second * time.Duration(chunk) / time.Duration(s.Rate))
	if s.Phase == Canary {
		chunk = 1
	}
	chunk = min(chunk, int(s.Left()))
	page := tracker.LetterPage{}
	if chunk > 0 {
		var err error
		page, err = r.runner.b.Tracker.Letters(ctx, tracker.LetterQuery{
			Cause: s.Cause, Status: tracker.LetterHalted, Oldest: true, Limit: chunk, Cursor: r.cursor,
		})
		if err != nil {
			r.pause("the tracker can't be asked: " + err.Error())
			return
		}
	}
	letters := slices.DeleteFunc(page.Letters, func(l tracker.Letter) bool { return after(l, r.last) })
	if len(letters) > 0 && !r.send(ctx, s, letters) {
		return
	}
	r.cursor = page.Next
	if more := page.Next != "" && len(letters) == len(page.Letters); !more || r.now().Left() == 0 {
		r.alter(func(s *State) {
			if s.Asking() {
				s.Letters, s.Phase, s.Ended = s.Requested, Following, time.Now()
			}
		})
	}
}

// after says whether a letter stands after another in a list, the oldest first.
func after(l, last tracker.Letter) bool {
	return cmp.Or(l.Time.Compare(last.Time), cmp.Compare(l.Partition, last.Partition), cmp.Compare(l.Offset, last.Offset)) > 0
}

// send asks for letters, and is false if nothing was asked for.
func (r *run) send(ctx context.Context, s State, letters []tracker.Letter) bool {
	var requests []skald.Request
	var places []pending
	var invalid []string
	for _, l := range letters {
		request := requestOf(s, l)
		if err := request.Err(); err != nil {
			invalid = append(invalid, err.Error())
			continue
		}
		requests = append(requests, request)
		places = append(places, pending{LetterPlace: tracker.LetterPlace{Partition: l.Partition, Offset: l.Offset}})
	}
	var answers []skald.Answer
	var err error
	if len(requests) > 0 {
		limited, cancel := context.WithTimeout(ctx, answerTimeout)
		answers, err = r.runner.b.Client.Ask(limited, requests...)
		cancel()
	}
	if len(answers) == 0 && err != nil {
		r.pause("nothing more was asked for: " + err.Error())
		return false
	}
	unanswered := 0
	now := r.alter(func(s *State) {
		s.refuse(invalid...)
		for i, a := range answers {
			switch {
			case a.Accepted:
				s.Requested++
				s.Accepted++
			case a.Text == "":
				s.Requested++
				s.Unanswered++
				unanswered++
				places[i].unanswered = true
			default:
				s.refuse(a.Text)
				continue
			}
			if s.First == nil && (s.Phase == Canary || s.Letters == 1) {
				l := letters[i]
				s.First = &Letter{Partition: l.Partition, Offset: l.Offset, Saga: l.SagaID, Subject: l.Subject, Asked: time.Now(), Status: l.Status}
				places[i].first = true
			}
			r.pending = append(r.pending, places[i])
		}
	})
	r.runner.b.Logger.Info("dead letters were asked for", "kind", s.Kind, "cause", s.Cause, "by", s.By, "requested", now.Requested, "of", now.Letters, "error", err)
	if unanswered > 0 {
		r.pause(fmt.Sprintf("%s hasn't answered %s within %s, and does it as soon as it runs", s.About.Service, words.Plural(unanswered, "request"), answerTimeout))
	}
	return true
}

func (s *State) refuse(reasons ...string) {
	for _, reason := range reasons {
		s.Requested++
		s.Refused++
		if len(s.Refusals) < mostRefusals {
			s.Refusals = append(s.Refusals, reason)
		}
	}
	if s.Phase == Canary && s.Refused > 0 {
		s.Phase, s.Why, s.Ended = Stopped, "the canary was refused: "+s.Refusals[0], time.Now()
	}
}

// requestOf leaves out the event, which may be large: who halted on it has kept it.
func requestOf(s State, l tracker.Letter) skald.Request {
	letter := skald.DeadLetter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, EventID: l.EventID, SagaID: l.SagaID, Service: l.Service, Step: l.Step, Halted: true,
	}
	if s.Kind == Discard {
		return skald.Discard(letter, s.Reason).By(s.By)
	}
	return skald.Redrive(letter, s.Reason).By(s.By)
}
