//nolint:tagalign // a field's name comes first, its description last
package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
)

// answerTimeout is how long a service may take to answer what it is asked for.
const answerTimeout = 5 * time.Second

const actionDoc = "200: the service has accepted it, and text says what it does. 202: it is in the service's inbox, and the service, which didn't " +
	"answer within five seconds, does it as soon as it runs. 409: it was refused, and nothing has changed."

func (h *Handler) registerActions(api huma.API) {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/api/v1/sagas/{id}" + path, Tags: []string{"Sagas"}, Summary: summary, Description: actionDoc,
			Errors:    []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
			Responses: alsoAccepted(api),
		}
	}
	handle(h, api, op("cancel-saga", "/cancel", "Undo what a saga has done, and end it as cancelled, wherever it is"), h.cancelSaga)
	handle(h, api, op("abandon-saga", "/abandon", "End a saga as abandoned without undoing anything, as its token never returns"), h.abandonSaga)
	handle(h, api, op("unblock-saga", "/unblock", "Go on with an undo that is blocked"), h.unblockSaga)
}

// asked is what came of asking a service for something.
type asked struct {
	Status int
	Body   Asked
}

// Asked is what came of asking a service for something.
type Asked struct {
	State string `json:"state" enum:"accepted,requested" doc:"requested: the service hasn't answered yet"`
	Text  string `json:"text" doc:"What is being done, in the service's words"`
}

// Why is why somebody asks.
type Why struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why; it is kept with the saga"`
	By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks; it is kept with the request"`
}

// Reason is a reason that has to be given, and who gives it.
type Reason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; it is kept with the saga"`
	By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks; it is kept with the request"`
}

// SagaPath is the part of an address that names a saga.
type SagaPath struct {
	ID string `path:"id" format:"uuid" doc:"ID of the saga"`
}

func (h *Handler) cancelSaga(ctx context.Context, in *struct {
	SagaPath
	Body Why
}) (*asked, error) {
	initiator, err := h.initiatorOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return h.ask(ctx, skald.Cancel(initiator, in.ID, in.Body.Reason).By(in.Body.By))
}

func (h *Handler) abandonSaga(ctx context.Context, in *struct {
	SagaPath
	Body Reason
}) (*asked, error) {
	initiator, err := h.initiatorOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return h.ask(ctx, skald.Abandon(initiator, in.ID, in.Body.Reason).By(in.Body.By))
}

// initiatorOf finds the service that can end a saga.
func (h *Handler) initiatorOf(ctx context.Context, id string) (string, error) {
	saga, err := h.openSaga(ctx, id)
	if err != nil {
		return "", err
	}
	initiator := h.cfg.Tracker.Initiator(saga.Workflow)
	if initiator == "" {
		return "", &refusedError{"no service has said that it begins workflow " + clip(saga.Workflow) + ": start that service first"}
	}
	return initiator, nil
}

func (h *Handler) openSaga(ctx context.Context, id string) (tracker.Saga, error) {
	saga, err := h.cfg.Tracker.Saga(ctx, id)
	if err == nil && saga.Outcome != "" {
		err = &refusedError{"the saga has ended. " + saga.Sentence(time.Now())}
	}
	return saga, err
}

func (h *Handler) unblockSaga(ctx context.Context, in *struct {
	SagaPath
	Body struct {
		Why
		Decision string `json:"decision" enum:"retry,resolved" doc:"retry: run the compensation again; resolved: it was undone by hand, go on with the next"`
	}
}) (*asked, error) {
	resolved := in.Body.Decision == "resolved"
	if resolved && in.Body.Reason == "" {
		return nil, &fieldError{"body.reason", "say what was done by hand: nothing else will tell"}
	}
	saga, err := h.openSaga(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	step, _ := saga.Current()
	switch {
	case step.State != tracker.StepBlocked:
		return nil, &refusedError{"nothing of this saga is blocked. " + saga.Sentence(time.Now())}
	case !step.Undo:
		return nil, &refusedError{"a handler doesn't return: only a restart of " + step.Service + " helps"}
	}
	return h.ask(ctx, skald.Unblock(step.Service, in.ID, resolved, in.Body.Reason).By(in.Body.By))
}

// ask asks a service for something and waits for its answer.
func (h *Handler) ask(ctx context.Context, request skald.Request) (*asked, error) {
	if err := request.Err(); err != nil {
		return nil, &refusedError{err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answers, err := h.cfg.Client.Ask(ctx, request)
	switch {
	case len(answers) == 0 && err != nil:
		h.log.Warn("a service was not asked", "request", request.String(), "error", err)
		return nil, &unaskedError{err}
	case err != nil || len(answers) == 0:
		h.log.Info("a service was asked and hasn't answered", "request", request.String())
		return &asked{http.StatusAccepted, Asked{"requested", "requested: the service hasn't answered yet, and does it as soon as it runs"}}, nil
	case !answers[0].Accepted:
		return nil, &refusedError{answers[0].Text}
	}
	h.log.Info("a service was asked", "request", request.String(), "answer", answers[0].Text)
	return &asked{http.StatusOK, Asked{"accepted", answers[0].Text}}, nil
}

// alsoAccepted documents the status 202 beside 200.
func alsoAccepted(api huma.API) map[string]*huma.Response {
	schema := api.OpenAPI().Components.Schemas.Schema(typeOfAsked, true, "")
	return map[string]*huma.Response{"202": {
		Description: "Asked for; the service hasn't answered yet",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
}
