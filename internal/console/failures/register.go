// Package failures is the page of dead letters by cause: what halts sagas, since when, what became of what was redriven, and what can be
// done about it. Redrives of a cause are package redrive's. Start reading at page.go.
package failures

import (
	"context"
	"embed"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

// Files are the templates, styles and modules.
//
//go:embed *.html *.css *.js
var Files embed.FS

type handler struct {
	b      *backend.Backend
	shell  *shell.Shell
	runner *redrive.Runner
	groups shared[string, *groups]        // by state
	causes shared[string, *tracker.Cause] // by key
	counts shared[struct{}, map[string]int64]
}

// Register adds the page's routes, and the number of open letters to the side bar.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell, r *redrive.Runner) {
	h := &handler{b: b, shell: s, runner: r}
	mux.HandleFunc("GET /failures", h.page)
	mux.HandleFunc("GET /failures/live", h.live)
	s.SetBadge("failures", shell.Badge{Class: "bad", What: "open dead letters", Count: h.open})
}

// open counts letters that halt sagas; 0 also while the tracker can't be asked.
func (h *handler) open() int64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	counts, err := h.letterCounts(ctx)
	if err != nil {
		return 0
	}
	return counts[tracker.LetterHalted]
}

func (h *handler) letterCounts(ctx context.Context) (map[string]int64, error) {
	return h.counts.get(h.b.Tracker, struct{}{}, func() (map[string]int64, error) { return h.b.Tracker.LetterCounts(ctx) })
}
