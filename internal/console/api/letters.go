//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

func (a *API) registerLetters(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "list-causes", Method: http.MethodGet, Path: "/api/v1/causes", Tags: []string{"Dead letters"},
		Summary:     "Dead letters, grouped by cause: those that halt sagas first, of these the newest",
		Description: "Two letters are of one cause if the same step gave up on them with the same class and, but for IDs, addresses, long numbers and what is quoted, the same error.",
	}, a.listCauses)
	handle(a, api, huma.Operation{
		OperationID: "list-letters", Method: http.MethodGet, Path: "/api/v1/letters", Tags: []string{"Dead letters"},
		Summary: "Dead letters, the newest first",
	}, a.listLetters)
	handle(a, api, huma.Operation{
		OperationID: "get-letter", Method: http.MethodGet, Path: "/api/v1/letters/{partition}/{offset}", Tags: []string{"Dead letters"},
		Summary: "One dead letter with the event that it holds, whole",
		Errors:  []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, a.getLetter)
}

// Cause is a group of dead letters.
type Cause struct {
	Key       string    `json:"cause" doc:"Key of the group"`
	Service   string    `json:"service"`
	Step      string    `json:"step" doc:"Input topic"`
	Class     string    `json:"class" doc:"failed, timeout, panic, poison, rejected, unavailable or too-large"`
	Error     string    `json:"error" doc:"Of the newest letter"`
	Letters   int64     `json:"letters" doc:"The sum of the four below"`
	Halted    int64     `json:"halted" doc:"Their sagas wait for a redrive or a discard"`
	Redriven  int64     `json:"redriven" doc:"Given back to their service, and their sagas aren't over"`
	Completed int64     `json:"completed" doc:"Their sagas have completed"`
	Other     int64     `json:"other" doc:"Undone, halted again under a newer letter, ended otherwise, or of no saga"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

type causesOutput struct {
	Body struct {
		Causes []Cause `json:"causes" nullable:"false"`
		Total  int     `json:"total" doc:"How many causes there are; at most 200 are listed"`
	}
}

func (a *API) listCauses(ctx context.Context, _ *struct{}) (*causesOutput, error) {
	causes, total, err := a.b.Tracker.Causes(ctx, tracker.CauseQuery{})
	if err != nil {
		return nil, err
	}
	out := &causesOutput{}
	out.Body.Causes, out.Body.Total = make([]Cause, 0, len(causes)), total
	for _, c := range causes {
		out.Body.Causes = append(out.Body.Causes, Cause{
			Key: c.Key, Service: c.Service, Step: c.Step, Class: c.Class, Error: c.Error, Letters: c.Letters, Halted: c.Halted,
			Redriven: c.Redriven, Completed: c.Completed, Other: c.Rest, First: c.First, Last: c.Last,
		})
	}
	return out, nil
}

// Letter is a dead letter.
type Letter struct {
	Partition int32     `json:"partition" doc:"Of the dead-letter topic; with offset its coordinates"`
	Offset    int64     `json:"offset"`
	ID        string    `json:"id,omitempty"`
	Cause     string    `json:"cause"`
	Saga      string    `json:"saga,omitempty" doc:"Absent if the event belongs to none"`
	Workflow  string    `json:"workflow,omitempty"`
	Subject   string    `json:"subject,omitempty" doc:"Business key"`
	Service   string    `json:"service"`
	Step      string    `json:"step" doc:"Input topic"`
	Class     string    `json:"class"`
	Error     string    `json:"error"`
	Attempts  int       `json:"attempts"`
	Redrives  int       `json:"redrives" doc:"How often the event had been given back before"`
	Time      time.Time `json:"time"`
	EventID   string    `json:"event_id,omitempty"`
	Status    string    `json:"status" doc:"halted, redriven, halted-again, turned, loose, or how its saga ended"`
}

func apiLetter(l *tracker.Letter) Letter {
	return Letter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, Cause: l.Cause, Saga: l.SagaID, Workflow: l.Workflow, Subject: l.Subject,
		Service: l.Service, Step: l.Step, Class: l.Class, Error: l.Error, Attempts: l.Attempts, Redrives: l.Redrives, Time: l.Time,
		EventID: l.EventID, Status: l.Status,
	}
}

type lettersInput struct {
	Cause  string `query:"cause" doc:"Only those of this cause"`
	Status string `query:"status" doc:"Only those with this status, e.g. halted"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many"`
	Cursor string `query:"cursor" doc:"The next of the page before"`
}

type lettersOutput struct {
	Body struct {
		Letters []Letter `json:"letters" nullable:"false"`
		Next    string   `json:"next,omitempty" doc:"Cursor of the next page; absent on the last one"`
	}
}

func (a *API) listLetters(ctx context.Context, in *lettersInput) (*lettersOutput, error) {
	page, err := a.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: in.Cause, Status: in.Status, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := &lettersOutput{}
	out.Body.Letters, out.Body.Next = make([]Letter, 0, len(page.Letters)), page.Next
	for i := range page.Letters {
		out.Body.Letters = append(out.Body.Letters, apiLetter(&page.Letters[i]))
	}
	return out, nil
}

// LetterPlace is the part of an address that names a dead letter.
type LetterPlace struct {
	Partition int32 `path:"partition" minimum:"0" doc:"Partition of the dead-letter topic"`
	Offset    int64 `path:"offset" minimum:"0" doc:"Offset in it"`
}

// WholeLetter is a dead letter with the event that it holds.
type WholeLetter struct {
	Letter
	Topic             string          `json:"topic" doc:"Where the event lay"`
	OriginalPartition int32           `json:"original_partition"`
	OriginalOffset    int64           `json:"original_offset"`
	Cut               int             `json:"cut,omitempty" doc:"The event's size in bytes, if the letter holds only its beginning"`
	Stack             string          `json:"stack,omitempty" doc:"Of a panic"`
	Headers           [][2]string     `json:"headers" nullable:"false" doc:"Of the event: name and value, of which at most 4 KiB are shown"`
	Payload           json.RawMessage `json:"payload,omitempty" doc:"Absent above 64 KiB, and if it is no JSON"`
	PayloadBase64     []byte          `json:"payload_base64,omitempty" doc:"Instead of payload, if that is no JSON"`
	PayloadBytes      int             `json:"payload_bytes" doc:"Its size"`
}

type letterOutput struct{ Body WholeLetter }

func (a *API) getLetter(ctx context.Context, in *struct{ LetterPlace }) (*letterOutput, error) {
	known, err := a.b.Tracker.Letter(ctx, in.Partition, in.Offset)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	l, err := a.b.Client.DeadLetter(ctx, in.Partition, in.Offset)
	if err != nil {
		return nil, &problem.Unasked{Err: err}
	}
	size := len(l.Payload)
	l = a.b.Letter(l)
	out := &letterOutput{WholeLetter{
		Letter: apiLetter(&known), Topic: l.Topic, OriginalPartition: l.From, OriginalOffset: l.At, Cut: l.Cut, Stack: l.Stack,
		Headers: make([][2]string, 0, len(l.Headers)), PayloadBytes: size,
	}}
	const mostOfHeader = 4 << 10
	for _, header := range l.Headers {
		value := header.Value[:min(len(header.Value), mostOfHeader)]
		out.Body.Headers = append(out.Body.Headers, [2]string{plainText(header.Key), plainText(string(value))})
	}
	switch {
	case len(l.Payload) > maxPayload:
	case json.Valid(l.Payload):
		out.Body.Payload = l.Payload
	default:
		out.Body.PayloadBase64 = l.Payload
	}
	return out, nil
}

// plainText makes valid UTF-8 of what anybody may have written.
func plainText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
