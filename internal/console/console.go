package console

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
)

// Handler is the console. Close ends its live streams, so that a server can shut down:
//
//	server.RegisterOnShutdown(handler.Close)
type Handler struct {
	cfg     Config
	log     *slog.Logger
	mux     *http.ServeMux
	serve   http.Handler
	pages   *pages
	boards  boards
	streams *streams
	touched signal // the demo was changed through the API: hires, lag
	life    string // differs for every Handler: a hire's idempotency key must not meet that of a former life
}

// New makes the console. It panics if a required field of cfg is missing.
func New(cfg Config) *Handler {
	cfg = cfg.withDefaults()
	h := &Handler{
		cfg:     cfg,
		log:     cfg.Logger.With("component", "console"),
		mux:     http.NewServeMux(),
		pages:   newPages(),
		streams: newStreams(cfg.MaxStreams),
		life:    rand.Text(),
	}
	h.boards.init(h)
	h.newAPI(h.mux)
	h.mux.HandleFunc("GET /{$}", h.onboarding)
	h.mux.HandleFunc("GET /live", h.live)
	h.mux.HandleFunc("GET /sagas/{id}/actions", h.actions)
	h.mux.Handle("GET /assets/", h.pages.assets)
	if cfg.Demo != nil && cfg.Demo.Mailbox != nil {
		h.mux.HandleFunc("GET /mailbox", h.mailbox)
	}
	if cfg.Metrics != nil {
		h.mux.Handle("GET /metrics", cfg.Metrics)
	}
	h.serve = secured(http.HandlerFunc(h.route))
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// Close ends all live streams; later ones are refused. It doesn't wait for them: http.Server.Shutdown does.
func (h *Handler) Close() { h.streams.close() }

// route answers an address that leads nowhere, and a method that isn't allowed, as a problem like any other.
func (h *Handler) route(w http.ResponseWriter, r *http.Request) {
	handler, pattern := h.mux.Handler(r)
	if pattern != "" {
		h.mux.ServeHTTP(w, r)
		return
	}
	refusal := &statusOnly{header: w.Header()}
	handler.ServeHTTP(refusal, r)
	writeProblem(w, refused(refusal.status, r, w.Header().Get("Allow")))
}

// statusOnly takes status and headers of the mux's own answer, and drops its text.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// signal wakes whoever waits for the next notify. The zero value is ready.
type signal struct {
	mu   sync.Mutex
	next chan struct{}
}

// changed is closed by the next notify.
func (s *signal) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

func (s *signal) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}
