package redrive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	mostAsking = 16  // runs at once that ask for letters
	mostRuns   = 200 // that are remembered, one per cause
)

// Runner has at most one run per cause. It is safe for concurrent use.
type Runner struct {
	b    *backend.Backend
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	runs    map[string]*run // by cause
	closed  bool
	going   sync.WaitGroup
	changed backend.Signal
}

// New makes a runner without runs.
func New(b *backend.Backend) *Runner {
	life, end := context.WithCancel(context.Background())
	return &Runner{b: b, life: life, end: end, runs: map[string]*run{}}
}

// Close ends all runs and waits for them, which takes no longer than it takes to give up a request.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.going.Wait()
}

// Changed is closed at the next change of any run's state.
func (r *Runner) Changed() <-chan struct{} { return r.changed.Changed() }

// Start begins a run for the letters of a cause that halt sagas now. While one of the same cause asks for letters it is refused.
func (r *Runner) Start(ctx context.Context, cause string, o Options) (State, error) {
	about, err := r.Cause(ctx, cause)
	if err != nil {
		return State{}, err
	}
	if about.Halted == 0 {
		return State{}, &problem.Refused{Message: "no saga is halted by a dead letter of this cause any more"}
	}
	newest, err := r.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: cause, Status: tracker.LetterHalted, Limit: 1})
	if err != nil {
		return State{}, err
	}
	if len(newest.Letters) == 0 {
		return State{}, &problem.Refused{Message: "no saga is halted by a dead letter of this cause any more"}
	}
	o.Rate = min(cmp.Or(o.Rate, DefaultRate), MaxRate)
	letters := min(about.Halted, MaxLetters)
	if o.Limit > 0 {
		letters = min(letters, int64(o.Limit))
	}
	next := &run{
		runner: r, last: newest.Letters[0], poke: make(chan struct{}, 1),
		state: State{Options: o, Cause: cause, About: about, Phase: Running, Started: time.Now(), Letters: letters},
	}
	if o.Canary && letters > 1 {
		next.state.Phase = Canary
	}
	return r.begin(next)
}

// begin puts a run in the place of the one before.
func (r *Runner) begin(next *run) (State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asking := 0
	for _, other := range r.runs {
		if other.state.Asking() {
			asking++
		}
	}
	before := r.runs[next.state.Cause]
	switch {
	case r.closed:
		return State{}, problem.ErrClosing
	case before != nil && before.state.Asking():
		return State{}, &problem.Refused{Message: fmt.Sprintf("a %s of this cause is %s already: pause or stop that one", before.state.Kind, before.state.Phase)}
	case asking >= mostAsking:
		return State{}, &problem.Refused{Message: fmt.Sprintf("%d causes are being redriven or discarded already: wait for one, or stop it", asking)}
	}
	if before != nil {
		before.stop()
		next.follow(before)
	}
	r.forget()
	r.runs[next.state.Cause] = next
	ctx, cancel := context.WithCancel(r.life)
	next.stop = cancel
	r.going.Go(func() {
		defer cancel()
		next.loop(ctx)
	})
	defer r.changed.Notify()
	return next.copied(), nil
}

// forget makes room for one more run: the one that ended first goes.
func (r *Runner) forget() {
	for len(r.runs) >= mostRuns {
		var oldest *run
		for _, other := range r.runs {
			if !other.state.Asking() && (oldest == nil || other.state.Started.Before(oldest.state.Started)) {
				oldest = other
			}
		}
		oldest.stop()
		delete(r.runs, oldest.state.Cause)
	}
}

// Cause gives a group of dead letters; [problem.Missing] if there is none of that key.
func (r *Runner) Cause(ctx context.Context, key string) (tracker.Cause, error) {
	causes, _, err := r.b.Tracker.Causes(ctx, tracker.CauseQuery{Key: key})
	if err == nil && len(causes) == 0 {
		err = &problem.Missing{Message: "no dead letter has the cause " + key + ": GET /api/v1/causes lists what there is"}
	}
	if err != nil {
		return tracker.Cause{}, err
	}
	return causes[0], nil
}

// Of gives the state of a cause's run, and false if there was none in this console's life.
func (r *Runner) Of(cause string) (State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run := r.runs[cause]; run != nil {
		return run.copied(), true
	}
	return State{}, false
}

// All gives the states of all runs, those that began last first.
func (r *Runner) All() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]State, 0, len(r.runs))
	for _, run := range r.runs {
		all = append(all, run.copied())
	}
	slices.SortFunc(all, func(a, b State) int {
		return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.Cause, b.Cause))
	})
	return all
}

// Pause keeps a run from asking for more letters until Resume.
func (r *Runner) Pause(cause string) (State, error) {
	return r.change(cause, "pause", func(s *State) bool {
		if s.Phase != Running {
			return false
		}
		s.Phase, s.Why = Paused, ""
		return true
	})
}

// Resume goes on with a run that is paused.
func (r *Runner) Resume(cause string) (State, error) {
	return r.change(cause, "resume", func(s *State) bool {
		if s.Phase != Paused {
			return false
		}
		s.Phase, s.Why = Running, ""
		if s.Canary && s.Letters > 1 && (s.First == nil || !over(s.First.Status)) {
			s.Phase = Canary
		}
		return true
	})
}

// Stop ends a run: what it hasn't asked for stays open. What becomes of the rest is still followed.
func (r *Runner) Stop(cause string) (State, error) {
	return r.change(cause, "stop", func(s *State) bool {
		if !s.Asking() {
			return false
		}
		s.Phase, s.Why, s.Ended = Stopped, "", time.Now()
		return true
	})
}

func (r *Runner) change(cause, verb string, change func(*State) bool) (State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.runs[cause]
	if run == nil {
		return State{}, &problem.Refused{Message: "there is nothing to " + verb + ": no redrive of this cause was begun since the console was started"}
	}
	if !change(&run.state) {
		return State{}, &problem.Refused{Message: "there is nothing to " + verb + ": the " + run.state.Kind + " of this cause is " + run.state.Phase}
	}
	select {
	case run.poke <- struct{}{}:
	default: // it hasn't looked since the last one
	}
	r.changed.Notify()
	return run.copied(), nil
}
