//nolint:tagalign // a field's name comes first, its description last
package console

import (
	"encoding/json"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// maxPayload is up to which size a payload is part of an answer.
const maxPayload = 64 << 10

// Saga is a saga as the API tells it. Times are the log's; what is unknown is absent.
type Saga struct {
	ID       string    `json:"id" format:"uuid"`
	Workflow string    `json:"workflow"`
	Subject  string    `json:"subject,omitempty" doc:"Business key"`
	Status   string    `json:"status" doc:"running or halted; once the saga is over, its outcome" example:"running"`
	Outcome  string    `json:"outcome,omitempty" doc:"completed, rejected, cancelled, expired or abandoned; absent while it runs"`
	Reason   string    `json:"reason,omitempty" doc:"Why it ended so, or the error that halts it"`
	Started  time.Time `json:"started,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	Seq      int64     `json:"seq" doc:"Position of its last change in the live stream"`
	Steps    []Step    `json:"steps" nullable:"false"`
}

// Step is one hop of a [Saga].
type Step struct {
	Hop      int             `json:"hop"`
	Service  string          `json:"service,omitempty" doc:"Who takes the event; absent if no service has declared the topic yet"`
	Topic    string          `json:"topic"`
	State    string          `json:"state" doc:"queued, running, done or halted"`
	Queued   time.Time       `json:"queued,omitzero" doc:"When the event was produced"`
	Accepted time.Time       `json:"accepted,omitzero" doc:"When the service took it"`
	Started  time.Time       `json:"started,omitzero" doc:"When the handler began"`
	Finished time.Time       `json:"finished,omitzero" doc:"When the handler's output was produced"`
	Attempt  int             `json:"attempt,omitempty"`
	Error    string          `json:"error,omitempty"`
	EventID  string          `json:"event_id,omitempty"`
	Payload  json.RawMessage `json:"payload,omitempty" doc:"The event's payload; absent in lists and streams, above 64 KiB, and if it is no JSON"`
}

func apiSaga(s tracker.Saga, payloads bool) Saga {
	out := Saga{
		ID: s.ID, Workflow: s.Workflow, Subject: s.Subject, Status: s.Status, Outcome: s.Outcome, Reason: s.Reason,
		Started: s.Started, Ended: s.Ended, Deadline: s.Deadline, Seq: s.Seq,
		Steps: make([]Step, 0, len(s.Steps)),
	}
	for _, step := range s.Steps {
		j := Step{
			Hop: step.Hop, Service: step.Service, Topic: step.Topic, State: step.State,
			Queued: step.Queued, Accepted: step.Accepted, Started: step.Started, Finished: step.Finished,
			Attempt: step.Attempt, Error: step.Error, EventID: step.EventID,
		}
		if payloads && len(step.Payload) <= maxPayload && json.Valid(step.Payload) {
			j.Payload = step.Payload
		}
		out.Steps = append(out.Steps, j)
	}
	return out
}
