package tracker

import (
	"cmp"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// What has become of a dead letter. One whose saga is over has the outcome as status.
const (
	LetterHalted   = "halted"       // its saga waits for somebody to redrive or discard it
	LetterRedriven = "redriven"     // it was given back to its service, and its saga isn't over
	LetterAgain    = "halted-again" // it was given back and given up on again: a newer letter has taken its place
	LetterTurned   = "turned"       // its saga is being undone
	LetterLoose    = "loose"        // it halts no saga, and may be redriven any number of times
)

// letterState is a dead letter of a saga. It never changes.
type letterState struct {
	Partition int32
	Offset    int64
	ID        string
	Event     string // as in stepState.ID
	Service   string
	Step      string
	Class     string
	Error     string
	Attempts  int
	Redrives  int // how often its event had been given back before
	Time      int64
	Halted    bool // it halts its saga
}

func (s *state) addLetter(l *letterState) bool {
	i, found := slices.BinarySearchFunc(s.Letters, l, func(a letterState, b *letterState) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	if !found {
		s.Letters = slices.Insert(s.Letters, i, *l)
	}
	return !found
}

// letterOf finds the letter that halts a step.
func (s *state) letterOf(p *stepState) *letterState {
	for i := range s.Letters {
		if l := &s.Letters[i]; l.Halted && l.Event == p.ID && l.Redrives == p.Redrives {
			return l
		}
	}
	return nil
}

func (s *state) letterStatus(l *letterState) string {
	if !l.Halted {
		return LetterLoose
	}
	if slices.ContainsFunc(s.Letters, func(other letterState) bool {
		return other.Halted && other.Event == l.Event && other.Redrives > l.Redrives
	}) {
		return LetterAgain
	}
	if s.Outcome.Outcome != "" {
		return s.Outcome.Outcome
	}
	i, found := slices.BinarySearchFunc(s.Steps, l.Event, func(p stepState, id string) int { return strings.Compare(p.ID, id) })
	switch {
	case found && s.Steps[i].Phase == phaseDone && !s.Steps[i].Turned, found && s.Steps[i].Phase != phaseDone && s.Steps[i].Redrives > l.Redrives:
		return LetterRedriven
	case slices.ContainsFunc(s.Steps, func(p stepState) bool { return p.Undo != nil && p.ID != l.Event }):
		return LetterTurned
	}
	return LetterHalted
}

// letterRows is what the store is to know of a saga's letters.
func (s *state) letterRows() []store.Letter {
	rows := make([]store.Letter, 0, len(s.Letters))
	for i := range s.Letters {
		rows = append(rows, s.Letters[i].row(s.letterStatus(&s.Letters[i])))
	}
	return rows
}

func (l *letterState) row(status string) store.Letter {
	return store.Letter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, Event: l.Event, Service: l.Service, Step: l.Step, Class: l.Class, Error: l.Error,
		Attempts: l.Attempts, Redrives: l.Redrives, Time: l.Time, Status: status, Cause: causeOf(l.Service, l.Step, l.Class, l.Error),
	}
}

// failedBy says whether one of the saga's dead letters is of a cause.
func (s *state) failedBy(cause string) bool {
	return slices.ContainsFunc(s.Letters, func(l letterState) bool { return causeOf(l.Service, l.Step, l.Class, l.Error) == cause })
}
