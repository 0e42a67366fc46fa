//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// answerTimeout is how long a service may take to answer what it is asked for.
const answerTimeout = 5 * time.Second

const actionDoc = "200: the service has accepted it, and text says what it does. 202: it is in the service's inbox, and the service, which didn't " +
	"answer within five seconds, does it as soon as it runs. 409: it was refused, and nothing has changed."

func (a *API) registerActions(api huma.API) {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/api/v1/sagas/{id}" + path, Tags: []string{"Sagas"}, Summary: summary, Description: actionDoc,
			Errors:    []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
			Responses: alsoAccepted(api),
		}
	}
	handle(a, api, op("cancel-saga", "/cancel", "Undo what a saga has done, and end it as cancelled, wherever it is"), a.cancelSaga)
	handle(a, api, op("abandon-saga", "/abandon", "End a saga as abandoned without undoing anything, as its token never returns"), a.abandonSaga)
	handle(a, api, op("unblock-saga", "/unblock", "Go on with an undo that is blocked"), a.unblockSaga)
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
	By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks; it is kept with the request. A console with users takes the user's name instead"`
}

// Reason is a reason that has to be given, and who gives it.
type Reason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; it is kept with the saga"`
	By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks; it is kept with the request. A console with users takes the user's name instead"`
}

// SagaPath is the part of an address that names a saga.
type SagaPath struct {
	ID string `path:"id" format:"uuid" doc:"ID of the saga"`
}

func (a *API) cancelSaga(ctx context.Context, in *struct {
	SagaPath
	Body Why
}) (*asked, error) {
	initiator, err := a.initiatorOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Cancel(initiator, in.ID, in.Body.Reason).By(by(ctx, in.Body.By)))
}

func (a *API) abandonSaga(ctx context.Context, in *struct {
	SagaPath
	Body Reason
}) (*asked, error) {
	initiator, err := a.initiatorOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Abandon(initiator, in.ID, in.Body.Reason).By(by(ctx, in.Body.By)))
}

// by is who asks: the user, or else whoever the request says it is.
func by(ctx context.Context, said string) string { return cmp.Or(access.Of(ctx).Name, said) }

// initiatorOf finds the service that can end a saga.
func (a *API) initiatorOf(ctx context.Context, id string) (string, error) {
	saga, err := a.openSaga(ctx, id)
	if err != nil {
		return "", err
	}
	return a.begins(saga.Workflow)
}

// begins names the service that begins a workflow, and ends it.
func (a *API) begins(workflow string) (string, error) {
	initiator := a.b.Tracker.Initiator(workflow)
	if initiator == "" {
		return "", &problem.Refused{Message: "no service has said that it begins workflow " + words.Clip(workflow) + ": start that service first"}
	}
	return initiator, nil
}

func (a *API) openSaga(ctx context.Context, id string) (tracker.Saga, error) {
	saga, err := a.b.Tracker.Saga(ctx, id)
	if err == nil && saga.Outcome != "" {
		err = &problem.Refused{Message: "the saga has ended. " + saga.Sentence(time.Now())}
	}
	return saga, err
}

func (a *API) unblockSaga(ctx context.Context, in *struct {
	SagaPath
	Body struct {
		Why
		Decision string `json:"decision" enum:"retry,resolved" doc:"retry: run the compensation again; resolved: it was undone by hand, go on with the next"`
	}
}) (*asked, error) {
	resolved := in.Body.Decision == "resolved"
	if resolved && in.Body.Reason == "" {
		return nil, &problem.Field{Location: "body.reason", Message: "say what was done by hand: nothing else will tell"}
	}
	saga, err := a.openSaga(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	step, _ := saga.Current()
	switch {
	case step.State != tracker.StepBlocked:
		return nil, &problem.Refused{Message: "nothing of this saga is blocked. " + saga.Sentence(time.Now())}
	case !step.Undo:
		return nil, &problem.Refused{Message: "a handler doesn't return: only a restart of " + step.Service + " helps"}
	}
	return a.ask(ctx, skald.Unblock(step.Service, in.ID, resolved, in.Body.Reason).By(by(ctx, in.Body.By)))
}

// ask asks a service for something and waits for its answer.
func (a *API) ask(ctx context.Context, request skald.Request) (*asked, error) {
	if err := request.Err(); err != nil {
		return nil, &problem.Refused{Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answers, err := a.b.Client.Ask(ctx, request)
	switch {
	case len(answers) == 0 && err != nil:
		a.b.Logger.Warn("a service was not asked", "request", request.String(), "error", err)
		return nil, &problem.Unasked{Err: err}
	case err != nil || len(answers) == 0:
		a.b.Logger.Info("a service was asked and hasn't answered", "request", request.String())
		return &asked{http.StatusAccepted, Asked{"requested", "requested: the service hasn't answered yet, and does it as soon as it runs"}}, nil
	case !answers[0].Accepted:
		return nil, &problem.Refused{Message: answers[0].Text}
	}
	a.b.Logger.Info("a service was asked", "request", request.String(), "answer", answers[0].Text)
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
