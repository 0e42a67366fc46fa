package consoletest

import (
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
)

// Retry lets the current step's attempt fail; the next one is due after d.
func (w *World) Retry(id, reason string, attempt int, due time.Time) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, step.Attempt, step.Attempts, step.Due = tracker.StepRetrying, reason, attempt, 8, due
		s.Status, s.Reason = tracker.Retrying, reason
		if step.Undo {
			s.Status = tracker.Compensating
		}
	})
}

// Turn turns a saga round at its current step; undo is then to be done for the steps on these topics, the latest first.
func (w *World) Turn(id, outcome, reason string, undo ...string) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished, step.Letter = tracker.StepTurned, step.Queued.Add(300*time.Millisecond), nil
		s.Status, s.Ending, s.EndingReason, s.Reason, s.ToUndo = tracker.Compensating, outcome, reason, reason, len(undo)
		s.Steps = append(s.Steps, w.undoStep(s, undo[0]))
	})
}

func (w *World) undoStep(s *tracker.Saga, topic string) tracker.Step {
	last := s.Steps[len(s.Steps)-1]
	service := map[string]string{"new-user": "provisioner", "authorize": "authorizer"}[topic]
	return tracker.Step{Hop: last.Hop + 1, Undo: true, Topic: topic, Service: service, State: tracker.StepQueued, Queued: last.Finished}
}

// Undone finishes the current undo; the next one is of the step on that topic, or the saga ends.
func (w *World) Undone(id, next string) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished = tracker.StepDone, step.Queued.Add(190*time.Millisecond)
		s.Undone, s.ToUndo = append(s.Undone, step.Service), s.ToUndo-1
		if next != "" {
			s.Steps = append(s.Steps, w.undoStep(s, next))
			return
		}
		s.Status, s.Outcome, s.Reason, s.Ended, s.Ending, s.ToUndo = s.Ending, s.Ending, s.EndingReason, step.Finished, "", 0
	})
}

// HaltWithLetter makes the current step's event a dead letter that the log has.
func (w *World) HaltWithLetter(id, reason string, offset int64) {
	w.Halt(id, reason)
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.Attempt, step.Letter = 8, &tracker.LetterPlace{Partition: 1, Offset: offset, ID: "letter", Class: "failed"}
		w.Log = append(w.Log, tracker.Letter{Partition: 1, Offset: offset, ID: "letter", EventID: step.EventID, SagaID: id, Service: step.Service, Step: step.Topic, Status: tracker.LetterHalted})
		w.Client.Letters = append(w.Client.Letters, skald.DeadLetter{Partition: 1, Offset: offset, ID: "letter", EventID: step.EventID, SagaID: id, Service: step.Service, Step: step.Topic, Topic: step.Topic, Halted: true, Payload: step.Payload})
	})
}

// Newest is the ID of the saga that began last.
func (w *World) Newest() (id string) {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	var newest tracker.Saga
	for _, s := range w.ByID {
		if !s.Started.Before(newest.Started) {
			newest = s
		}
	}
	return newest.ID
}

// BlockUndo turns a saga round at its current step and blocks the undo of the step before.
func (w *World) BlockUndo(id string) {
	w.Alter(id, func(s *tracker.Saga) {
		last := &s.Steps[len(s.Steps)-1]
		last.State, s.Status, s.Ending, s.ToUndo = tracker.StepTurned, tracker.Blocked, "rejected", 1
		s.Steps = append(s.Steps, tracker.Step{
			Hop: last.Hop + 1, Undo: true, Service: "provisioner", Topic: "new-user", State: tracker.StepBlocked, Attempt: 10, Error: "no such device", Queued: w.Clock,
		})
	})
}
