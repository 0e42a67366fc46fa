package skaldtest

import (
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
)

// State is where a saga is.
type State string

// A saga whose end has come has its outcome as its state: completed, rejected, cancelled, expired or abandoned. Else it is one of these.
const (
	Sent        State = "sent"        // its last event lies on a topic that no service of this world takes
	Retrying    State = "retrying"    // an attempt failed; the next one comes after Status.In
	Unavailable State = "unavailable" // what the step needs is not there (skald.Unavailable): the step tries after Status.In
	Halted      State = "halted"      // its event is a dead letter: redrive or discard it
	Blocked     State = "blocked"     // an undo can't be done: unblock it
	GaveUp      State = "gave up"     // an event of no saga is a dead letter, and nothing waits for it
	Handled     State = "handled"     // an event of no saga, or one that was passed over: nothing is left of it

	Completed State = "completed"
	Rejected  State = "rejected"
	Cancelled State = "cancelled"
	Expired   State = "expired"
	Abandoned State = "abandoned"
)

// Status says where a saga is and why. What doesn't belong to its state is zero, so two can be compared by ==.
type Status struct {
	State   State
	Service string        // that has the event; empty if Sent
	Topic   string        // the input topic of the step, or where the event lies
	Undoing bool          // the step's compensation is what is tried, or blocked
	Attempt int           // attempts so far
	In      time.Duration // until the next attempt
	Why     string        // the last error, or the reason of the outcome
}

// String is for messages: "retrying notifier/notify in 1s, after attempt 1: SMTP 451".
func (s Status) String() string {
	text := string(s.State)
	if s.Undoing {
		text += ", undoing"
	}
	switch {
	case s.Service != "":
		text += " " + stepName(s.Service, s.Topic)
	case s.Topic != "":
		text += " to " + s.Topic
	}
	if s.In > 0 {
		text += fmt.Sprint(" in ", s.In)
	}
	if s.Attempt > 0 {
		text += fmt.Sprint(", after attempt ", s.Attempt)
	}
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

func stepName(service, topic string) string { return service + "/" + topic }

func (m *member) status(entry *ledger.Entry) Status {
	status := Status{Service: m.name, Topic: entry.Step, Attempt: entry.Attempt, Why: entry.Error}
	it, ok := entry.Data.(*saga.Item)
	status.Undoing = ok && it.Undo != nil
	switch {
	case entry.Kind == ledger.Halted:
		status.State = Halted
	case entry.Kind == ledger.Blocked:
		status.State = Blocked
	case !entry.Due.IsZero():
		status.State, status.In = Retrying, entry.Due.Sub(m.w.now)
	default:
		status.State = Unavailable
		if ok {
			status.In = max(0, m.machine.ProbeAt(it.Step).Sub(m.w.now))
		}
	}
	return status
}
