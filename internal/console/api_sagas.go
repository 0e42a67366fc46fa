//nolint:tagalign // a field's name comes first, its description last
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
)

// startTimeout is how long a start waits for the broker.
const startTimeout = 5 * time.Second

func (h *Handler) registerSagas(api huma.API) {
	handle(h, api, huma.Operation{
		OperationID: "start-saga", Method: http.MethodPost, Path: "/api/v1/sagas", Tags: []string{"Sagas"},
		Summary:       "Start a saga",
		Description:   "Answers once the broker has the saga's first event. Nothing is published when the answer is a 4xx.",
		DefaultStatus: http.StatusAccepted,
		Errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusServiceUnavailable},
	}, h.startSaga)
	handle(h, api, huma.Operation{
		OperationID: "get-saga", Method: http.MethodGet, Path: "/api/v1/sagas/{id}", Tags: []string{"Sagas"},
		Summary: "One saga, with the payloads of its steps",
		Errors:  []int{http.StatusNotFound},
	}, h.getSaga)
	handle(h, api, huma.Operation{
		OperationID: "list-sagas", Method: http.MethodGet, Path: "/api/v1/sagas", Tags: []string{"Sagas"},
		Summary: "Sagas, the youngest first",
	}, h.listSagas)
}

type startInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Makes a repeat of this request the same saga. Any text that no other start has."`
	Body struct {
		Workflow string          `json:"workflow" minLength:"1" doc:"Name of the workflow" example:"onboarding"`
		Input    json.RawMessage `json:"input" doc:"The event that starts the saga: an object as the workflow's start topic wants it"`
	}
}

type started struct {
	Body struct {
		ID string `json:"id" format:"uuid" doc:"ID of the saga"`
	}
}

func (h *Handler) startSaga(ctx context.Context, in *startInput) (*started, error) {
	if !slices.Contains(h.cfg.Workflows, in.Body.Workflow) {
		return nil, &fieldError{"body.workflow",
			fmt.Sprintf("%q is none of the workflows that can be started here: %s", clip(in.Body.Workflow), strings.Join(h.cfg.Workflows, ", "))}
	}
	if input := bytes.TrimSpace(in.Body.Input); len(input) == 0 || input[0] != '{' {
		return nil, &fieldError{"body.input", "an object is expected"}
	}
	advice := "Try again with the same Idempotency-Key: nothing is started twice"
	if in.Key == "" {
		advice = "It may have been published all the same; a start with an Idempotency-Key can be repeated safely"
	}
	return h.start(ctx, in.Body.Workflow, in.Body.Input, in.Key, advice)
}

// start gives Config.Start a bounded time and tells the two kinds of errors apart.
func (h *Handler) start(ctx context.Context, workflow string, input json.RawMessage, key, advice string) (*started, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %s", startTimeout))
	defer cancel()
	id, err := h.cfg.Start(ctx, workflow, input, key)
	if err != nil {
		if len(fieldErrors(err)) > 0 {
			return nil, err
		}
		h.log.Warn("a saga was not started", "workflow", workflow, "error", err)
		if is[*skald.NotReadyError](err) { // nothing was published, so no advice on repeats is needed
			return nil, &notReadyError{err}
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &unconfirmedError{err, advice}
	}
	out := &started{}
	out.Body.ID = id
	return out, nil
}

type sagaOutput struct{ Body Saga }

func (h *Handler) getSaga(ctx context.Context, in *struct {
	ID string `path:"id" format:"uuid" doc:"ID of the saga"`
}) (*sagaOutput, error) {
	saga, err := h.cfg.Tracker.Saga(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &sagaOutput{Body: apiSaga(saga, true)}, nil
}

type listInput struct {
	Workflow string `query:"workflow" doc:"Only sagas of this workflow"`
	Status   string `query:"status" doc:"Only sagas with this status: running, retrying, waiting, halted, compensating, blocked, or an outcome such as completed"`
	Search   string `query:"q" doc:"Only sagas whose business key contains this, or the saga with this ID"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many"`
	Cursor   string `query:"cursor" doc:"The next of the page before"`
}

type listOutput struct {
	Body struct {
		Sagas []Saga `json:"sagas" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last one"`
	}
}

func (h *Handler) listSagas(ctx context.Context, in *listInput) (*listOutput, error) {
	page, err := h.cfg.Tracker.Sagas(ctx, tracker.Query{
		Workflow: in.Workflow, Status: in.Status, Search: in.Search, Limit: in.Limit, Cursor: in.Cursor,
		WithoutPayloads: true,
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Sagas = make([]Saga, 0, len(page.Sagas))
	for _, saga := range page.Sagas {
		out.Body.Sagas = append(out.Body.Sagas, apiSaga(saga, false))
	}
	out.Body.Next = page.Next
	return out, nil
}

// clip shortens what a client sent before it is said back.
func clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return s[:60] + "…"
}
