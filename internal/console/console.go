package console

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/audit"
	"github.com/skald-saga/skald/internal/console/decide"
	"github.com/skald-saga/skald/internal/console/failures"
	"github.com/skald-saga/skald/internal/console/live"
	chart "github.com/skald-saga/skald/internal/console/map"
	"github.com/skald-saga/skald/internal/console/onboarding"
	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/console/saga"
	"github.com/skald-saga/skald/internal/console/sagas"
	"github.com/skald-saga/skald/internal/console/services"
	"github.com/skald-saga/skald/internal/console/shell"
)

// rooms are the pages' files; the side bar lists those of them that have a place there.
var rooms = []shell.Room{
	{Name: "onboarding", Files: onboarding.Files, Path: "/", Title: "Onboarding", Icon: "user-plus", Key: "o"},
	{Name: "sagas", Files: sagas.Files, Path: "/sagas", Title: "Sagas", Icon: "sagas", Key: "s"},
	{Name: "map", Files: chart.Files, Path: "/map", Title: "Map", Icon: "map", Key: "m"},
	{Name: "failures", Files: failures.Files, Path: "/failures", Title: "Failures", Icon: "failures", Key: "f"},
	{Name: "services", Files: services.Files, Path: "/services", Title: "Services", Icon: "services", Key: "v"},
	{Name: "audit", Files: audit.Files, Path: "/audit", Title: "Audit", Icon: "audit", Key: "a"},
	{Name: "saga", Files: saga.Files},
	{Name: "decide", Files: decide.Files, Everywhere: true},
}

// Pages are the addresses of the pages in the side bar.
func Pages() (paths []string) {
	for _, room := range rooms {
		if room.Path != "" {
			paths = append(paths, room.Path)
		}
	}
	return paths
}

// Handler is the console. Close ends its live streams, so that a server can shut down:
//
//	server.RegisterOnShutdown(handler.Close)
type Handler struct {
	mux      *http.ServeMux
	shell    *shell.Shell
	serve    http.Handler
	streams  *live.Streams
	runner   *redrive.Runner
	document *huma.OpenAPI
}

// New makes the console. It panics if a required field of cfg is missing.
func New(cfg Config) *Handler {
	cfg = cfg.withDefaults()
	h := &Handler{mux: http.NewServeMux(), streams: live.NewStreams(cfg.MaxStreams)}
	b := cfg.backend()
	h.runner = redrive.New(b)
	h.document = api.Register(h.mux, b, h.streams, h.runner)
	frame := shell.New(b, h.streams, rooms)
	h.shell = frame
	frame.Register(h.mux)
	onboarding.Register(h.mux, b, frame)
	saga.Register(h.mux, b, frame)
	decide.Register(h.mux, b, frame)
	sagas.Register(h.mux, b, frame)
	failures.Register(h.mux, b, frame, h.runner)
	services.Register(h.mux, b, frame)
	chart.Register(h.mux, b, frame)
	audit.Register(h.mux, b, frame)
	if cfg.Metrics != nil {
		h.mux.Handle("GET /metrics", cfg.Metrics)
	}
	h.serve = secured(cfg, b, h.operation, http.HandlerFunc(h.route))
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// Close ends all live streams, and redrives that are under way; later ones are refused. It waits for the latter alone, which takes no
// longer than giving up a request; for the streams http.Server.Shutdown does.
func (h *Handler) Close() {
	h.streams.Close()
	h.runner.Close()
}

// operation gives the API's operation that a request asks for, and the pattern of its path; both are empty if it asks for none.
func (h *Handler) operation(r *http.Request) (id, path string) {
	_, pattern := h.mux.Handler(r)
	_, path, _ = strings.Cut(pattern, " ")
	if item := h.document.Paths[path]; item != nil {
		for method, op := range map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op != nil && method == r.Method {
				return op.OperationID, path
			}
		}
	}
	return "", ""
}

// Reference is the API's reference as a page of Markdown.
func (h *Handler) Reference() []byte { return api.Reference(h.document) }

// route answers an address that leads nowhere, and a method that isn't allowed, like any other problem.
func (h *Handler) route(w http.ResponseWriter, r *http.Request) {
	handler, pattern := h.mux.Handler(r)
	if pattern != "" {
		h.mux.ServeHTTP(w, r)
		return
	}
	refusal := &statusOnly{header: w.Header()}
	handler.ServeHTTP(refusal, r)
	h.shell.Nowhere(w, r, refusal.status, w.Header().Get("Allow"))
}

// statusOnly takes status and headers of the mux's own answer, and drops its text.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
