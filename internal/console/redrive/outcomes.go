package redrive

import (
	"context"
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// looksInARow bounds how many letters are looked at before the next are asked for.
const looksInARow = 4 * looksAtOnce

// look asks the tracker what has become of letters, of some of them if there are many.
func (r *run) look(ctx context.Context) error {
	if len(r.pending) == 0 || time.Since(r.looked) < lookEvery {
		return nil
	}
	r.looked = time.Now()
	for left := min(len(r.pending), looksInARow); left > 0; left -= looksAtOnce {
		some := r.pending[:min(left, looksAtOnce)]
		places := make([]tracker.LetterPlace, len(some))
		for i, p := range some {
			places[i] = p.LetterPlace
		}
		letters, err := r.runner.b.Tracker.LettersAt(ctx, places)
		if err != nil {
			return err
		}
		status := make(map[tracker.LetterPlace]string, len(letters))
		for _, l := range letters {
			status[tracker.LetterPlace{Partition: l.Partition, Offset: l.Offset}] = l.Status
		}
		still := r.pending[len(some):len(r.pending):len(r.pending)]
		r.alter(func(s *State) {
			for _, p := range some {
				if !s.learn(&p, status[p.LetterPlace]) {
					still = append(still, p)
				}
			}
			s.judge()
		})
		r.pending = still
	}
	return nil
}

// over says whether a letter's status is its outcome.
func over(status string) bool {
	switch status {
	case tracker.LetterHalted, tracker.LetterRedriven, tracker.LetterTurned:
		return false
	}
	return true
}

// learn takes in what has become of a letter, and is true if that is its outcome. One that the tracker no longer knows has gone with its
// saga, which is over.
func (s *State) learn(p *pending, status string) bool {
	if p.unanswered && status != tracker.LetterHalted {
		p.unanswered = false
		s.Unanswered--
		s.Accepted++
	}
	if p.first && s.First.Status != status && status != "" {
		s.First.Status = status
		if over(status) {
			s.First.Known = time.Now()
		}
	}
	if !over(status) {
		return false
	}
	if p.before {
		return true
	}
	switch status {
	case wire.Completed:
		s.Completed++
	case tracker.LetterAgain:
		s.Again++
	default:
		s.Otherwise++
	}
	return true
}

// judge lets a run go on after its canary, or stops it.
func (s *State) judge() {
	if !s.Asking() || s.Kind != Redrive {
		return
	}
	stop := func(why string) { s.Phase, s.Why, s.Ended = Stopped, why, time.Now() }
	switch {
	case s.Phase == Canary && s.Completed > 0:
		s.Phase = Running
	case s.Phase == Canary && s.Again > 0:
		stop("the canary halted again")
	case s.Phase == Canary && s.Otherwise > 0:
		stop("the canary's saga didn't complete: " + s.First.Status)
	case s.Phase == Canary:
	case s.Again*100 > s.Known()*MostAgain:
		stop(fmt.Sprintf("%d of %d whose outcome is known halted again: more than %d %%", s.Again, s.Known(), MostAgain))
	}
}
