//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

const eventsDoc = `In the order of hops and then of time: its events, copies of them in inboxes, dead letters, the outcome, and open-loop events that its steps
emitted. Beside these, which have their own types, ` + "`skald.attempt`" + ` is an attempt that failed, as a ledger tells of it (with its number, its error and when the next one is
due), ` + "`skald.command`" + ` is what somebody asked of a service, and ` + "`skald.note`" + ` is a service's answer to that, or why it ignored an event. More may come at any place
of the order while the saga goes on.`

func (a *API) registerEvents(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "list-saga-events", Method: http.MethodGet, Path: "/api/v1/sagas/{id}/events", Tags: []string{"Sagas"},
		Summary: "Every record of a saga", Description: eventsDoc,
		Errors: []int{http.StatusNotFound},
	}, a.listEvents)
	handle(a, api, huma.Operation{
		OperationID: "get-saga-event-payload", Method: http.MethodGet, Path: "/api/v1/sagas/{id}/events/{topic}/{partition}/{offset}/payload", Tags: []string{"Sagas"},
		Summary: "The payload of one record of a saga, as it was sent",
		Errors:  []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {
			Description: "The bytes, whatever they are: a download",
			Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}},
	}, a.eventPayload)
}

// Event is one record of a saga.
type Event struct {
	Topic         string          `json:"topic" doc:"Without the namespace's prefix; with partition and offset where it lies"`
	Partition     int32           `json:"partition"`
	Offset        int64           `json:"offset"`
	ID            string          `json:"id,omitempty" doc:"Of the event, or of the command or event that a note or attempt is about"`
	Source        string          `json:"source,omitempty" doc:"Who sent it; of a command, who asked"`
	Type          string          `json:"type,omitempty"`
	Time          time.Time       `json:"time,omitzero"`
	Hop           int             `json:"hop" doc:"Of what has none, as commands, that where the saga was by then"`
	CausationID   string          `json:"causation_id,omitempty" doc:"The event that caused this one"`
	ContentType   string          `json:"content_type,omitempty"`
	Headers       [][2]string     `json:"headers" nullable:"false" doc:"Name and value, of which at most 4 KiB are shown"`
	Payload       json.RawMessage `json:"payload,omitempty" doc:"Absent above 64 KiB, and if it is no JSON"`
	PayloadBase64 []byte          `json:"payload_base64,omitempty" doc:"Instead of payload, if that is no JSON"`
	PayloadBytes  int             `json:"payload_bytes" doc:"Its size"`
}

type eventsInput struct {
	SagaPath
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many"`
	Cursor string `query:"cursor" doc:"The next of the page before"`
}

type eventsOutput struct {
	Body struct {
		Events []Event `json:"events" nullable:"false"`
		Next   string  `json:"next,omitempty" doc:"Cursor of the next page; absent on the last one"`
	}
}

func (a *API) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	events, err := a.b.Tracker.EventsUpTo(ctx, in.ID, maxPayload)
	if err != nil {
		return nil, err
	}
	if in.Cursor != "" {
		at := slices.IndexFunc(events, func(e tracker.Event) bool { return eventCursor(&e) == in.Cursor })
		if at < 0 {
			return nil, &problem.Field{Location: "query.cursor", Message: "isn't one that a page before this one gave as its next"}
		}
		events = events[at+1:]
	}
	out := &eventsOutput{}
	if len(events) > in.Limit {
		events = events[:in.Limit]
		out.Body.Next = eventCursor(&events[in.Limit-1])
	}
	out.Body.Events = make([]Event, 0, len(events))
	for i := range events {
		out.Body.Events = append(out.Body.Events, apiEvent(&events[i]))
	}
	return out, nil
}

// eventCursor is where an event lies: the next page begins behind it.
func eventCursor(e *tracker.Event) string {
	return fmt.Sprintf("%s/%d/%d", e.Topic, e.Partition, e.Offset)
}

func apiEvent(e *tracker.Event) Event {
	out := Event{
		Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, ID: plainText(e.ID), Source: plainText(e.Source), Type: plainText(e.Type), Time: e.Time, Hop: e.Hop,
		CausationID: plainText(e.CausationID), ContentType: plainText(e.ContentType), Headers: make([][2]string, 0, len(e.Headers)), PayloadBytes: e.Size,
	}
	const mostOfHeader = 4 << 10
	for _, h := range e.Headers {
		out.Headers = append(out.Headers, [2]string{plainText(h[0]), plainText(h[1][:min(len(h[1]), mostOfHeader)])})
	}
	switch {
	case len(e.Payload) == 0:
	case json.Valid(e.Payload):
		out.Payload = e.Payload
	default:
		out.PayloadBase64 = e.Payload
	}
	return out
}

// EventPath is an address of one record of a saga.
type EventPath struct {
	SagaPath
	Topic     string `path:"topic" minLength:"1" maxLength:"249" pattern:"^[a-zA-Z0-9._-]+$" doc:"Without the namespace's prefix"`
	Partition int32  `path:"partition" minimum:"0"`
	Offset    int64  `path:"offset" minimum:"0"`
}

func (a *API) eventPayload(ctx context.Context, in *EventPath) (*huma.StreamResponse, error) {
	e, err := a.b.Tracker.Event(ctx, in.ID, in.Topic, in.Partition, in.Offset)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		// What it says of its own type isn't believed: a browser must never run it.
		hc.SetHeader("Content-Type", "application/octet-stream")
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d-%d"`, in.Topic, in.Partition, in.Offset))
		hc.SetHeader("Content-Length", strconv.Itoa(len(e.Payload)))
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(e.Payload) // the client has gone
	}}, nil
}
