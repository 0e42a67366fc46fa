package saga

import (
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// Policy says how often a step is tried, and when again. The zero value is one attempt.
type Policy struct {
	Attempts int           // in all; 0 is 1
	First    time.Duration // before the second attempt, at most
	Factor   float64       // by which it grows
	Max      time.Duration // before any attempt
}

// An undo is tried longer than what it undoes: nothing else brings the saga to its end.
const (
	undoAttempts = 10
	undoLonger   = 3
)

func (p Policy) forUndo() Policy {
	p.Attempts = max(undoAttempts, undoLonger*p.Attempts)
	p.Max *= undoLonger
	return p
}

// delay is how long to wait after so many attempts: exponential backoff with full jitter, so that what failed together isn't tried
// again together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func (p Policy) delay(attempts int, chance float64) time.Duration {
	most := float64(p.First)
	for i := 1; i < attempts && most < float64(p.Max); i++ {
		most *= max(1, p.Factor)
	}
	return time.Duration(min(most, float64(p.Max)) * chance)
}

// retry keeps an item for another attempt.
func (b *Batch) retry(e *Execution, f *Failure, p Policy) {
	delay := f.After
	if delay <= 0 {
		delay = p.delay(e.Attempt, b.m.Chance())
	}
	entry := e.Item.fresh()
	entry.Due, entry.Attempt, entry.Error = b.now.Add(delay), e.Attempt, f.Error()
	b.keep(e.Item, entry)
}

// outage is when what a step needs is not there: one of its items at a time is tried, and no attempt is burnt.
type outage struct {
	since time.Time
	fails int // of the probe
	next  time.Time
	probe *Execution
}

var probing = Policy{First: time.Second, Factor: 2, Max: 30 * time.Second}

// Outage is an item for a log: a step's work waits for what its handler needs, or goes on.
type Outage struct {
	Step  *Step
	Err   error // nil: it is over
	Since time.Time
}

// await keeps an item until what its step needs is there again.
func (b *Batch) await(e *Execution, f *Failure) {
	o := b.m.outages[e.Step]
	switch {
	case o == nil:
		o = &outage{since: b.now, fails: 1}
		b.m.outages[e.Step] = o
		b.Outages = append(b.Outages, Outage{Step: e.Step, Err: f, Since: b.now})
		o.next = b.probeAt(o, f)
	case o.probe == e:
		o.fails++
		o.probe = nil
		o.next = b.probeAt(o, f)
	}
	entry := e.Item.fresh()
	entry.Attempt, entry.Error = e.Attempt-1, f.Error()
	b.keep(e.Item, entry)
}

func (b *Batch) probeAt(o *outage, f *Failure) time.Time {
	if f.After > 0 {
		return b.now.Add(f.After)
	}
	// At least half of it: a probe that comes at once tells nothing.
	return b.now.Add(probing.delay(o.fails, 0.5+b.m.Chance()/2))
}

// recovered notes that a step's handler had an answer, whatever it was.
func (b *Batch) recovered(step *Step) {
	if o := b.m.outages[step]; o != nil {
		delete(b.m.outages, step)
		b.Outages = append(b.Outages, Outage{Step: step, Since: o.since})
	}
}

func (b *Batch) places(step *Step) int { return b.m.places(b.d, step, b.now) }

func (m *Machine) places(d Driver, step *Step, now time.Time) int {
	free := d.Places(step)
	o := m.outages[step]
	switch {
	case o == nil:
		return free
	case o.waits(d, now):
		return 0
	}
	return min(1, free)
}

// waits says whether the outage is not to be looked into now: it isn't time, or somebody is at it.
func (o *outage) waits(d Driver, now time.Time) bool {
	return now.Before(o.next) || o.probe != nil && !o.probe.Done && !o.probe.Abandoned && d.Find(o.probe.Key) == o.probe
}

// Places gives the function by which a ledger asks how many more handlers of a step may start.
func (m *Machine) Places(d Driver, now time.Time) func(step string) int {
	return func(step string) int {
		if st := m.Steps[step]; st != nil {
			return m.places(d, st, now)
		}
		return 1 << 20 // no handler runs for a step that no longer exists
	}
}

// Down says whether what a step needs is not there, so that no more of its events need be taken. When it is time to look into it, any
// event will do: what was kept of the step's may have been cancelled meanwhile.
func (m *Machine) Down(d Driver, step *Step, now time.Time) bool {
	o := m.outages[step]
	return o != nil && o.waits(d, now)
}

// ProbeAt is when the step is tried again that is down; zero if it isn't.
func (m *Machine) ProbeAt(step *Step) time.Time {
	if o := m.outages[step]; o != nil {
		return o.next
	}
	return time.Time{}
}

// canRetry says whether more of the same may help.
func canRetry(class string) bool {
	switch class {
	case wire.ClassFailed, wire.ClassPanic, wire.ClassTimeout:
		return true
	}
	return false
}
