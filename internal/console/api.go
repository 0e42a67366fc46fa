package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// newAPI registers every operation on the mux, and with them GET /openapi.json.
func (h *Handler) newAPI(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("Skald", h.cfg.Version)
	config.Info.Description = "Start sagas, and see where each one is. Errors are application/problem+json (RFC 9457)."
	config.DocsPath = ""    // would load scripts from elsewhere
	config.SchemasPath = "" // the schemas are in the document
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true // a misspelt filter must not show everything
	api := humago.New(mux, config)
	h.registerHealth(api)
	h.registerSagas(api)
	h.registerActions(api)
	h.registerLetters(api)
	h.registerRedrives(api)
	h.registerStream(api)
	h.registerTracker(api)
	if h.cfg.Demo != nil {
		h.registerDemo(api)
		if h.cfg.Demo.Mailbox != nil {
			h.registerMails(api)
		}
	}
	return api
}

// handle registers one operation whose errors become responses by problemOf.
func handle[I, O any](h *Handler, api huma.API, op huma.Operation, f func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = maxBody + 1 // huma refuses a body of exactly this size
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err == nil {
			return out, nil
		}
		problem := problemOf(err)
		if problem.GetStatus() == http.StatusInternalServerError {
			h.log.Error("a request failed", "operation", op.OperationID, "error", err)
		}
		return nil, problem
	})
}

type health struct {
	Body struct {
		Status string `json:"status"`
	}
}

func (h *Handler) registerHealth(api huma.API) {
	handle(h, api, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Tags: []string{"Health"},
		Summary: "Whether the process answers",
	}, func(context.Context, *struct{}) (*health, error) {
		out := &health{}
		out.Body.Status = "ok"
		return out, nil
	})
	handle(h, api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Tags: []string{"Health"},
		Summary:     "Whether a saga could run",
		Description: "200 once a saga could run from its start to its end, 503 with the reason until then.",
		Errors:      []int{http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*health, error) {
		if err := h.cfg.Ready(ctx); err != nil {
			return nil, &notReadyError{err}
		}
		out := &health{}
		out.Body.Status = "ready"
		return out, nil
	})
}
