package skaldtest

import (
	"slices"
	"strings"

	"github.com/skald-saga/skald"
)

// Saga is a saga of a [World], or an event of no saga and what came of it.
type Saga struct {
	w  *World
	id string // of the saga, or of the first event of none
}

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
