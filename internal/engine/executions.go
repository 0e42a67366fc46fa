package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// execution is one run of a handler. The machine's part of it is the loop's alone, but for the handler's result, which the handler's
// goroutine writes before it reports.
type execution struct {
	saga.Execution

	step *stepRuns

	// On their way to the goroutine that calls the handler.
	context handlerContext
	call    call.Call // upon context
	event   *wire.Event
	undo    *saga.Undo
}

// stepRuns is a step, and what there is to know of its handlers on every hop.
type stepRuns struct {
	*Step
	running      int // handlers, abandoned ones included: they still hold their place
	took, failed prometheus.Observer
}

// executions are those of one session. Only finished is touched by other goroutines.
type executions struct {
	service string
	steps   map[*saga.Step]*stepRuns
	all     map[saga.Key]*execution
	timed   bool      // a step has a timeout
	looked  time.Time // when hanging handlers were last looked for
	vitals  *vitals
	logger  *slog.Logger
	crew    *crew

	mu       sync.Mutex
	finished []*execution
	enough   int           // how many have to be finished for the bell to ring
	bell     chan struct{} // one place
	wake     func()        // ends the poll under way
	nudged   bool

	handlers context.Context //nolint:containedctx // what handlers' contexts come of: it ends with the drain time
}

func newExecutions(service Service, m *metrics, v *vitals, l *slog.Logger) *executions {
	x := &executions{
		service: service.Name, steps: map[*saga.Step]*stepRuns{}, all: map[saga.Key]*execution{}, vitals: v, logger: l,
		enough: 1, bell: make(chan struct{}, 1),
	}
	for i := range service.Steps {
		st := &service.Steps[i]
		x.steps[&st.Step] = &stepRuns{
			Step: st, took: m.handlers.WithLabelValues(st.Topic, "ok"), failed: m.handlers.WithLabelValues(st.Topic, "error"),
		}
		x.timed = x.timed || st.Timeout > 0
	}
	x.crew = newCrew(x.handle)
	return x
}

// places is how many more handlers of the step may start.
func (x *executions) places(s *saga.Step) int { return s.Concurrency - x.steps[s].running }

// Start begins a handler. Its context ends when it is abandoned, at its timeout, or when the session's drain time is over.
func (d driver) Start(it *saga.Item, attempt int, now time.Time) *saga.Execution {
	x := d.s.executions
	e := &execution{
		Execution: saga.Execution{Item: it, Key: it.Key, Step: it.Step, Attempt: attempt, Started: now},
		step:      x.steps[it.Step], event: it.Event, undo: it.Undo,
	}
	x.all[e.Key] = e
	e.step.running++
	x.vitals.running.Add(1)
	fillCall(&e.call, it, x.service, attempt)
	e.call.Logger = x.logger
	e.context.parent, e.call.Context = x.handlers, &e.context
	x.crew.run(e)
	return &e.Execution
}

// handle calls the handler and reports what came of it.
func (x *executions) handle(e *execution) {
	defer e.context.end()
	event, undo := e.event, e.undo
	e.event, e.undo = nil, nil // they lie in the batch that was fetched, which a handler that takes its time must not keep
	e.Outputs, e.Err = e.step.Call(&e.call, event, undo)
	e.Finished = time.Now()
	x.vitals.running.Add(-1)
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
		if !e.Done {
			e.Done = true
			e.Interrupted = e.Err != nil && errors.Is(e.Err, context.Canceled)
			e.step.done(e)
		}
		if !e.Abandoned {
			kept = append(kept, e)
		}
	}
	return kept
}

// done gives an execution's place back, and notes how long it took.
func (r *stepRuns) done(e *execution) {
	r.running--
	took := r.took
	if e.Err != nil {
		took = r.failed
	}
	took.Observe(e.Finished.Sub(e.Started).Seconds())
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
		if !e.Done {
			return true
		}
	}
	return false
}

// again makes the loop hear of executions anew: the transaction with their results was aborted.
func (x *executions) again(es []*saga.Execution) {
	for _, e := range es {
		if known := x.all[e.Key]; known != nil && &known.Execution == e {
			x.report(known)
		}
	}
}

// forget drops an execution whose result is committed.
func (x *executions) forget(e *saga.Execution) {
	if known := x.all[e.Key]; known != nil && &known.Execution == e {
		if !e.Interrupted {
			x.vitals.handled.Add(1)
		}
		delete(x.all, e.Key)
	}
}

// abandon ends the executions of partitions that this session no longer owns; what they return is nobody's.
func (x *executions) abandon(owned func(partition int32) bool) {
	for _, e := range x.all {
		if !owned(e.Key.Partition) {
			x.abandonOne(&e.Execution)
		}
	}
}

func (x *executions) abandonOne(e *saga.Execution) {
	e.Abandoned = true
	if known := x.all[e.Key]; known != nil && &known.Execution == e {
		known.context.end()
		delete(x.all, e.Key)
	}
}

// hanging gives the handlers that should have returned, each once. It looks now and then: that a handler hangs is no news of the moment.
func (x *executions) hanging(now time.Time, grace time.Duration) (all []*execution) {
	if !x.timed || now.Sub(x.looked) < idlePoll {
		return nil
	}
	x.looked = now
	for _, e := range x.all {
		if timeout := e.Step.Timeout; timeout > 0 && !e.Done && !e.Hangs && now.Sub(e.Started) > timeout+grace {
			x.logger.Error("a handler doesn't return although its time is up, which blocks its saga: let it listen to its context",
				"step", e.Step.Topic, "saga", e.Item.Event.SagaID, "timeout", timeout)
			all = append(all, e)
		}
	}
	return all
}

// nudge ends the poll under way, or the next: partitions were given to the session, and what their ledgers hold may run.
func (x *executions) nudge() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.wake == nil {
		x.nudged = true
		return
	}
	x.wake()
}

// pollContext gives a context that ends when a handler finishes, or at a nudge; at once if that has been already.
func (x *executions) pollContext(parent context.Context, atMost time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(parent, atMost)
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.finished) > 0 || x.nudged {
		cancel()
	}
	x.wake, x.nudged = cancel, false
	return ctx, func() {
		x.mu.Lock()
		x.wake = nil
		x.mu.Unlock()
		cancel()
	}
}
