package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/wire"
)

// execution is one run of a handler. It outlives the batch that began it when the handler is slow, and even the ownership of
// its partition: whoever gets to the same event again in this process joins it instead of running it twice.
type execution struct {
	key       executionKey
	step      *Step
	item      *item
	partition int32
	attempt   int
	started   time.Time
	cancel    context.CancelFunc

	// On their way to the goroutine that calls the handler. item is the loop's alone: whoever joins puts another in its place.
	ctx   context.Context //nolint:containedctx // see above
	event *wire.Event

	// Written by the handler's goroutine before it reports, read by the loop after.
	outputs  []Output
	err      error
	finished time.Time

	done      bool // the loop has heard of it
	abandoned bool // nobody waits for it any more

	concludedIn *batch // the batch that its result is in, committed or not
}

// executions are those of one session. Only finished is touched by other goroutines.
type executions struct {
	service string
	all     map[executionKey]*execution
	running map[*Step]int // handlers by step, abandoned ones included: they still hold their place
	metrics *metrics
	logger  *slog.Logger
	crew    *crew

	mu       sync.Mutex
	finished []*execution
	enough   int           // how many have to be finished for the bell to ring
	bell     chan struct{} // one place
	wake     func()        // ends the poll under way
}

func newExecutions(service string, m *metrics, l *slog.Logger) *executions {
	x := &executions{
		service: service, all: map[executionKey]*execution{}, running: map[*Step]int{}, metrics: m, logger: l,
		enough: 1, bell: make(chan struct{}, 1),
	}
	x.crew = newCrew(x.handle)
	return x
}

// places is how many more handlers of the step may start.
func (x *executions) places(s *Step) int { return s.Concurrency - x.running[s] }

// start begins a handler. Its context ends when it is abandoned or the session's drain time is over.
func (x *executions) start(ctx context.Context, it *item, attempt int, now time.Time) *execution {
	ctx, cancel := context.WithCancel(ctx)
	e := &execution{key: it.key, step: it.step, item: it, partition: it.partition, attempt: attempt, started: now, cancel: cancel}
	x.all[e.key] = e
	x.running[e.step]++
	c := it.callFor(x.service, attempt)
	c.Logger = x.logger
	e.ctx, e.event = call.With(ctx, c), it.event
	x.crew.run(e)
	return e
}

// handle calls the handler and reports what came of it.
func (x *executions) handle(e *execution) {
	defer e.cancel()
	e.outputs, e.err = invoke(e.ctx, e.step, e.event)
	e.finished = time.Now()
	x.report(e)
}

// ringAfter sets how many executions have to be finished for the bell to ring. A batch that waits for all needn't wake for each.
func (x *executions) ringAfter(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.enough = n
	if len(x.finished) >= n {
		x.ring()
	}
}

func (x *executions) ring() {
	select {
	case x.bell <- struct{}{}:
	default:
	}
}

// invoke calls the handler. A panic is an error with its stack.
func invoke(ctx context.Context, s *Step, event *wire.Event) (outputs []Output, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Failure{Class: wire.ClassPanic, Err: fmt.Errorf("panic: %v", p), Stack: string(debug.Stack())}
		}
	}()
	return s.Handle(ctx, event)
}

func (x *executions) report(e *execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished = append(x.finished, e)
	if len(x.finished) >= x.enough {
		x.ring()
	}
	if x.wake != nil {
		x.wake()
	}
}

// take gives the executions that finished since the last call, without those that nobody waits for.
func (x *executions) take() []*execution {
	x.mu.Lock()
	finished := x.finished
	x.finished = nil
	x.mu.Unlock()
	kept := finished[:0]
	for _, e := range finished {
		if !e.done {
			e.done = true
			x.running[e.step]--
			x.metrics.handled(e)
		}
		if !e.abandoned {
			kept = append(kept, e)
		}
	}
	return kept
}

// leaveTimeout is how long a handler may take to return after its context has ended.
const leaveTimeout = 3 * time.Second

// leave waits for the handlers, whose contexts have ended. One that doesn't listen is left behind: to wait for it would be
// to never stop.
func (x *executions) leave(logger *slog.Logger) {
	done := x.crew.dismiss()
	timer := time.NewTimer(leaveTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		logger.Error("handlers go on although their context has ended: let them return when it does")
	}
}

// busy says whether handlers run whose results are wanted.
func (x *executions) busy() bool {
	for _, e := range x.all {
		if !e.done {
			return true
		}
	}
	return false
}

// again makes the loop hear of executions anew: the transaction with their results was aborted.
func (x *executions) again(es []*execution) {
	for _, e := range es {
		x.report(e)
	}
}

// forget drops an execution whose result is committed.
func (x *executions) forget(e *execution) {
	if x.all[e.key] == e {
		delete(x.all, e.key)
	}
}

// abandon ends the executions of partitions that this session no longer owns; what they return is nobody's.
func (x *executions) abandon(owned func(partition int32) bool) {
	for key, e := range x.all {
		if !owned(e.partition) {
			e.abandoned = true
			e.cancel()
			delete(x.all, key)
		}
	}
}

// pollContext gives a context that ends when a handler finishes, at once if one has already.
func (x *executions) pollContext(parent context.Context, atMost time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, atMost)
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.finished) > 0 {
		cancel()
	}
	x.wake = cancel
	return ctx, func() {
		x.mu.Lock()
		x.wake = nil
		x.mu.Unlock()
		cancel()
	}
}

// interrupted says whether the handler ended because it was told to: its event has neither succeeded nor failed.
func (e *execution) interrupted(stopping bool) bool {
	return e.err != nil && (stopping || e.abandoned) && errors.Is(e.err, context.Canceled)
}

// failure gives the error of a handler as a Failure.
func (e *execution) failure() *Failure {
	if f, ok := errors.AsType[*Failure](e.err); ok {
		return f
	}
	return &Failure{Class: wire.ClassFailed, Err: e.err}
}
