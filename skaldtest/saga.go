package skaldtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
)

// Saga is a saga of a [World], or an event of no saga and what came of it.
type Saga struct {
	w  *World
	id string // of the saga, or of the first event of none
}

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

// ID is the saga's ID, empty for an event of none.
func (s *Saga) ID() string {
	if of := s.of(); of != s.id || s.w.log.owner[of] != of {
		return of
	}
	return ""
}

func (s *Saga) of() string {
	if saga := s.w.log.adopted[s.id]; saga != "" {
		return saga
	}
	return s.id
}

// Status says where the saga is.
func (s *Saga) Status() Status {
	of := s.of()
	story := s.w.story(of)
	if story.ended != nil {
		return *story.ended
	}
	for _, m := range s.w.members {
		for _, lane := range s.lanes() {
			if entries := m.ledger.Lane(lane); len(entries) > 0 {
				return m.status(entries[0])
			}
		}
	}
	if r := s.underway(); r != nil {
		return Status{State: Sent, Topic: r.Topic}
	}
	if letters := s.letters(); len(letters) > 0 {
		l := letters[len(letters)-1]
		return Status{State: GaveUp, Service: l.Service, Topic: l.Step, Attempt: l.Attempts, Why: l.Error}
	}
	return Status{State: Handled}
}

// lanes are those of ledgers in which the saga's events may stand.
func (s *Saga) lanes() []string {
	of := s.of()
	lanes := []string{of}
	for id, owner := range s.w.log.owner {
		if owner == of {
			lanes = append(lanes, "event/"+id)
		}
	}
	return lanes
}

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

// underway is the saga's last event if it lies where nobody takes it.
func (s *Saga) underway() (last *record) {
	of := s.of()
	for topic, records := range s.w.log.topics {
		if strings.HasPrefix(topic, "skald.") && !strings.HasSuffix(topic, ".inbox") ||
			slices.ContainsFunc(s.w.members, func(m *member) bool { return slices.Contains(m.inputs, topic) }) {
			continue
		}
		for _, r := range records {
			if r.of == of && r.event.ParentSaga == "" && (last == nil || r.at > last.at) {
				last = r
			}
		}
	}
	return last
}

// Undone lists the steps whose compensations are done, in the order of undoing, each as "service/topic".
func (s *Saga) Undone() []string { return slices.Clone(s.w.story(s.of()).undone) }

// Trace tells what happened to the saga, a line for each thing: for the message of a test that fails.
func (s *Saga) Trace() []string { return slices.Clone(s.w.story(s.of()).lines) }

// DeadLetter is the latest of the saga. That there is none ends the test.
func (s *Saga) DeadLetter() skald.DeadLetter {
	s.w.t.Helper()
	letters := s.letters()
	if len(letters) == 0 {
		s.w.t.Fatalf("skaldtest: there is no dead letter of the saga. It is %s\n%s", s.Status(), strings.Join(s.Trace(), "\n"))
		return skald.DeadLetter{}
	}
	return letters[len(letters)-1]
}

func (s *Saga) letters() []skald.DeadLetter {
	var all []skald.DeadLetter
	for _, l := range s.w.log.letters {
		if l.of == s.of() {
			all = append(all, l.DeadLetter)
		}
	}
	return all
}
