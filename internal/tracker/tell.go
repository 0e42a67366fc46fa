package tracker

import (
	"cmp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// declarations are what the registry knows of steps.
type declarations interface {
	// takes says which service takes a workflow's events from a topic, "" if none declared it.
	takes(topic, workflow string) string
	// attempts says how many attempts a service's step has, and its undo; 0 if that isn't known.
	attempts(service, topic string) (forward, undo int)
}

// tell makes what people see of a saga. Records are those of the saga, for the payloads of its steps. readTo is the time before which
// everything in the log was read; zero while nobody knows.
func tell(row *store.Saga, records []store.Record, declared declarations, readTo time.Time) (Saga, error) {
	s, err := decodeState(row.State)
	if err != nil {
		return Saga{}, err
	}
	saga := Saga{
		ID: uuid.UUID(row.ID).String(), Workflow: row.Workflow, Subject: row.Subject, Outcome: s.Outcome.Outcome,
		Started: at(row.Started), Ended: at(s.Outcome.Ended), Deadline: at(s.Deadline), Overdue: s.Overdue, Seq: row.Seq,
	}
	// While the log is still being read, the beginning may come yet.
	saga.Partial = s.partial() && at(s.newest()).Add(settling).Before(readTo)
	steps := s.timeline()
	saga.Since = at(s.since(steps))
	saga.Status, saga.Reason = s.status(steps)
	if saga.Outcome == "" {
		saga.Ending, saga.EndingReason = s.Ending.Outcome, s.Ending.Reason
	}
	payloads, edits := payloadsOf(records), editsOf(records)
	undone, furthest := s.Outcome.Undone, -1
	for _, p := range steps {
		step := tellStep(s, &p, payloads[p.ID].value)
		if edit, ok := edits[p.ID]; ok {
			step.Payload, step.EditedBy = edit.payload, edit.by
		}
		if step.Service == "" {
			step.Service = declared.takes(step.Topic, row.Workflow)
		}
		step.Attempts, _ = declared.attempts(step.Service, step.Topic)
		if p.Undo != nil {
			_, step.Attempts = declared.attempts(step.Service, step.Topic)
			if saga.Outcome == "" && p.hop() > furthest {
				undone, furthest = p.Undo.Undone, p.hop()
				saga.Ending, saga.EndingReason, saga.ToUndo = p.Undo.Outcome, p.Undo.Reason, p.Undo.Left
			}
		}
		saga.Steps = append(saga.Steps, step)
	}
	if current, ok := saga.Current(); ok {
		saga.Service, saga.Topic = current.Service, current.Topic
	}
	if undone != "" {
		saga.Undone = strings.Split(undone, "\n")
	}
	return saga, nil
}

// settling is how much longer than to the newest of its events the log has to be read for a saga to be told as partial: as services'
// clocks differ.
const settling = 2 * time.Second

func tellStep(s *state, p *stepState, payload []byte) Step {
	step := Step{
		Hop: max(0, p.hop()), Service: p.taker(), Topic: p.topic(), State: p.Phase.String(), Undo: p.Undo != nil,
		Queued: at(p.Queued), Accepted: at(p.Accepted), Started: at(p.Started), Finished: at(p.Finished), Due: at(p.Due),
		Attempt: p.Attempt, Redrives: p.Redrives, Error: p.Error, EventID: cmp.Or(p.Raw, p.ID), Payload: payload,
	}
	if p.Undo == nil && p.Phase == phaseDone && p.Turned {
		step.State = StepTurned
	}
	if p.Phase != phaseHalted {
		return step
	}
	if l := s.letterOf(p); l != nil {
		step.Letter = &LetterPlace{Partition: l.Partition, Offset: l.Offset, ID: l.ID, Class: l.Class}
	}
	return step
}

func (p phase) String() string {
	switch p {
	case phaseRunning:
		return StepRunning
	case phaseRetrying:
		return StepRetrying
	case phaseWaiting:
		return StepWaiting
	case phaseBlocked:
		return StepBlocked
	case phaseHalted:
		return StepHalted
	case phaseDone:
		return StepDone
	}
	return StepQueued
}
