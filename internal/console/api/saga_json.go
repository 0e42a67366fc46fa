//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"encoding/json"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// maxPayload is up to which size a payload is part of an answer.
const maxPayload = 64 << 10

// Saga is a saga as the API tells it. Times are the log's; what is unknown is absent.
type Saga struct {
	ID           string    `json:"id" format:"uuid"`
	Workflow     string    `json:"workflow"`
	Subject      string    `json:"subject,omitempty" doc:"Business key"`
	Status       string    `json:"status" doc:"running, retrying, waiting, halted, compensating or blocked; once the saga is over, its outcome" example:"running"`
	Sentence     string    `json:"sentence" doc:"Where it is and why, in plain words" example:"Waiting for notifier: attempt 3 of 8 in 4.2 s, after SMTP 451."`
	Outcome      string    `json:"outcome,omitempty" doc:"completed, rejected, cancelled, expired or abandoned; absent while it runs"`
	Reason       string    `json:"reason,omitempty" doc:"Why it ended so or is being undone, or the error that holds it up"`
	Started      time.Time `json:"started,omitzero"`
	Ended        time.Time `json:"ended,omitzero"`
	Deadline     time.Time `json:"deadline,omitzero"`
	Overdue      bool      `json:"overdue,omitempty" doc:"Its initiator has noted that the deadline has passed"`
	Ending       string    `json:"ending,omitempty" doc:"The outcome that it is to have, once that is decided and until it is over"`
	EndingReason string    `json:"ending_reason,omitempty"`
	Undone       []string  `json:"undone,omitempty" doc:"Services whose steps were undone, in the order of undoing"`
	ToUndo       int       `json:"to_undo,omitempty" doc:"How many steps are still to be undone, while it is being undone"`
	Seq          int64     `json:"seq" doc:"Position of its last change in the live stream"`
	Steps        []Step    `json:"steps" nullable:"false"`
}

// Step is one hop of a [Saga].
type Step struct {
	Hop      int             `json:"hop"`
	Service  string          `json:"service,omitempty" doc:"Who takes the event; absent if no service has declared the topic yet"`
	Topic    string          `json:"topic"`
	State    string          `json:"state" doc:"queued, running, retrying, waiting, halted, blocked, done, or turned: here the saga was turned round"`
	Undo     bool            `json:"undo,omitempty" doc:"The step is the undoing of another"`
	Queued   time.Time       `json:"queued,omitzero" doc:"When the event was produced"`
	Accepted time.Time       `json:"accepted,omitzero" doc:"When the service took it"`
	Started  time.Time       `json:"started,omitzero" doc:"When the handler began"`
	Finished time.Time       `json:"finished,omitzero" doc:"When the handler's output was produced"`
	Due      time.Time       `json:"due,omitzero" doc:"Of the next attempt"`
	Attempt  int             `json:"attempt,omitempty" doc:"Attempts begun"`
	Attempts int             `json:"attempts,omitempty" doc:"That the step's policy allows; absent if no service has said so"`
	Redrives int             `json:"redrives,omitempty" doc:"How often its event was given back after it was a dead letter"`
	EditedBy string          `json:"edited_by,omitempty" doc:"Who gave its event another payload when it was redriven; absent in lists and streams"`
	Error    string          `json:"error,omitempty" doc:"Of the last attempt that failed"`
	Letter   *StepLetter     `json:"letter,omitempty" doc:"The dead letter that halts it"`
	EventID  string          `json:"event_id,omitempty"`
	Payload  json.RawMessage `json:"payload,omitempty" doc:"The event's payload; absent in lists and streams, above 64 KiB, and if it is no JSON"`
}

// StepLetter names the dead letter that halts a step.
type StepLetter struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	ID        string `json:"id,omitempty"`
	Class     string `json:"class"`
}

func apiSaga(s tracker.Saga, payloads bool) Saga {
	out := Saga{
		ID: s.ID, Workflow: s.Workflow, Subject: s.Subject, Status: s.Status, Outcome: s.Outcome, Reason: s.Reason,
		Started: s.Started, Ended: s.Ended, Deadline: s.Deadline, Seq: s.Seq, Overdue: s.Overdue, Ending: s.Ending,
		EndingReason: s.EndingReason, Undone: s.Undone, ToUndo: s.ToUndo, Sentence: s.Sentence(time.Now()),
		Steps: make([]Step, 0, len(s.Steps)),
	}
	for _, step := range s.Steps {
		j := Step{
			Hop: step.Hop, Service: step.Service, Topic: step.Topic, State: step.State,
			Queued: step.Queued, Accepted: step.Accepted, Started: step.Started, Finished: step.Finished,
			Due: step.Due, Undo: step.Undo, Attempt: step.Attempt, Attempts: step.Attempts, Redrives: step.Redrives,
			EditedBy: step.EditedBy, Error: step.Error, EventID: step.EventID,
		}
		if l := step.Letter; l != nil {
			j.Letter = &StepLetter{l.Partition, l.Offset, l.ID, l.Class}
		}
		if payloads && len(step.Payload) <= maxPayload && json.Valid(step.Payload) {
			j.Payload = step.Payload
		}
		out.Steps = append(out.Steps, j)
	}
	return out
}
