// Package api is the console's HTTP API, version 1: its operations and the JSON that they speak, one file per part. huma makes the
// OpenAPI document of them. Every error is an application/problem+json (package problem). Start reading at Register.
package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/redrive"
)

// API is the console's HTTP API.
type API struct {
	b       *backend.Backend
	streams *live.Streams
	runner  *redrive.Runner
	feed    *feed
}

// Register adds every operation to the mux, and with them GET /openapi.json, whose document it gives.
func Register(mux *http.ServeMux, b *backend.Backend, streams *live.Streams, runner *redrive.Runner) *huma.OpenAPI {
	a := &API{b, streams, runner, newFeed(b.Tracker)}
	config := huma.DefaultConfig("Skald", a.b.Version)
	config.Info.Description = "Start sagas, and see where each one is. Errors are application/problem+json (RFC 9457)."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"password": {Type: "http", Scheme: "basic", Description: "Name and password of a user"},
		"token":    {Type: "http", Scheme: "bearer", Description: "Token of a program"},
	}
	config.Security = []map[string][]string{{}, {"password": {}}, {"token": {}}} // the first: a console without users asks for nothing
	config.DocsPath = ""                                                         // would load scripts from elsewhere
	config.SchemasPath = ""                                                      // the schemas are in the document
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true // a misspelt filter must not show everything
	config.OnAddOperation = append(config.OnAddOperation, func(_ *huma.OpenAPI, op *huma.Operation) {
		delete(op.Responses, strconv.Itoa(http.StatusUnprocessableEntity)) // huma's default; package problem makes it 400
	})
	api := humago.New(mux, config)
	a.registerHealth(api)
	a.registerSagas(api)
	a.registerEvents(api)
	a.registerActions(api)
	a.registerBulk(api)
	a.registerLetters(api)
	a.registerRedrives(api)
	a.registerRedriveCause(api)
	a.registerStream(api)
	a.registerTracker(api)
	a.registerServices(api)
	a.registerAudit(api)
	a.registerMap(api)
	if a.b.Demo != nil {
		a.registerDemo(api)
		if a.b.Demo.Mailbox != nil {
			a.registerMails(api)
		}
	}
	return api.OpenAPI()
}

// handle registers one operation whose errors become responses by [problem.Of].
func handle[I, O any](a *API, api huma.API, op huma.Operation, f func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = problem.MaxBody + 1 // huma refuses a body of exactly this size
	op.Errors = refusals[I](op)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err == nil || problem.Is[*unchanged](err) {
			return out, err
		}
		answer := problem.Of(err)
		if answer.GetStatus() == http.StatusInternalServerError {
			a.b.Logger.Error("a request failed", "operation", op.OperationID, "error", err)
		}
		if headers := problem.Headers(err); headers != nil {
			return nil, huma.ErrorWithHeaders(answer, headers)
		}
		return nil, answer
	})
}

// refusals are the statuses other than its own that an operation may answer with, so that the document has every one.
func refusals[I any](op huma.Operation) []int {
	all := append(slices.Clone(op.Errors), http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if !slices.Contains(op.Tags, "Health") {
		all = append(all, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if op.Method != http.MethodGet {
		all = append(all, http.StatusForbidden) // what a viewer asks for, or another site makes a browser send
	}
	if _, ok := reflect.TypeFor[I]().FieldByName("Body"); ok {
		all = append(all, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

type health struct {
	Body struct {
		Status string `json:"status"`
	}
}

func (a *API) registerHealth(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Health"},
		Summary: "Whether the process answers",
	}, func(context.Context, *struct{}) (*health, error) {
		out := &health{}
		out.Body.Status = "ok"
		return out, nil
	})
	handle(a, api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Health"},
		Summary:     "Whether a saga could run",
		Description: "200 once a saga could run from its start to its end, 503 with the reason until then.",
		Errors:      []int{http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*health, error) {
		if err := a.b.Ready(ctx); err != nil {
			return nil, &problem.NotReady{Err: err}
		}
		out := &health{}
		out.Body.Status = "ready"
		return out, nil
	})
}
