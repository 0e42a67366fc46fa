//nolint:tagalign // a field's name comes first, its description last
package api

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
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
)

// startTimeout is how long a start waits for the broker.
const startTimeout = 5 * time.Second

func (a *API) registerSagas(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "start-saga", Method: http.MethodPost, Path: "/api/v1/sagas", Tags: []string{"Sagas"},
		Summary:       "Start a saga",
		Description:   "Answers once the broker has the saga's first event. Nothing is published when the answer is a 4xx.",
		DefaultStatus: http.StatusAccepted,
		Errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusServiceUnavailable},
	}, a.startSaga)
	handle(a, api, huma.Operation{
		OperationID: "get-saga", Method: http.MethodGet, Path: "/api/v1/sagas/{id}", Tags: []string{"Sagas"},
		Summary: "One saga, with the payloads of its steps",
		Errors:  []int{http.StatusNotFound}, Responses: alsoUnchanged(),
	}, a.getSaga)
	a.registerLists(api)
	a.registerExport(api)
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

func (a *API) startSaga(ctx context.Context, in *startInput) (*started, error) {
	if !slices.Contains(a.b.Workflows, in.Body.Workflow) {
		return nil, &problem.Field{Location: "body.workflow", Message: fmt.Sprintf("%q is none of the workflows that can be started here: %s", words.Clip(in.Body.Workflow), strings.Join(a.b.Workflows, ", "))}
	}
	if input := bytes.TrimSpace(in.Body.Input); len(input) == 0 || input[0] != '{' {
		return nil, &problem.Field{Location: "body.input", Message: "an object is expected"}
	}
	advice := "Try again with the same Idempotency-Key: nothing is started twice"
	if in.Key == "" {
		advice = "It may have been published all the same; a start with an Idempotency-Key can be repeated safely"
	}
	return a.start(ctx, in.Body.Workflow, in.Body.Input, in.Key, advice)
}

// start gives Config.Start a bounded time and tells the two kinds of errors apart.
func (a *API) start(ctx context.Context, workflow string, input json.RawMessage, key, advice string) (*started, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %s", startTimeout))
	defer cancel()
	id, err := a.b.Start(ctx, workflow, input, key)
	if err != nil {
		if len(problem.Fields(err)) > 0 {
			return nil, err
		}
		a.b.Logger.Warn("a saga was not started", "workflow", workflow, "error", err)
		if problem.Is[*skald.NotReadyError](err) { // nothing was published, so no advice on repeats is needed
			return nil, &problem.NotReady{Err: err}
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &problem.Unconfirmed{Err: err, Advice: advice}
	}
	out := &started{}
	out.Body.ID = id
	return out, nil
}

type sagaOutput struct {
	ETag string `header:"ETag" doc:"Changes with the saga"`
	Body Saga
}

func (a *API) getSaga(ctx context.Context, in *struct {
	SagaPath
	Unchanged
}) (*sagaOutput, error) {
	saga, err := a.b.Tracker.Saga(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	tag := tagOf(saga.Seq)
	if err := in.since(tag); err != nil {
		return nil, err
	}
	return &sagaOutput{ETag: tag, Body: apiSaga(saga, true)}, nil
}
