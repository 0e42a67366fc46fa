package onboarding

import (
	"embed"
	"net/http"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/shell"
)

// Files are the templates, styles and modules.
//
//go:embed *.html *.css *.js
var Files embed.FS

type handler struct {
	b      *backend.Backend
	shell  *shell.Shell
	boards boards
}

// Register adds the page's routes.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b: b, shell: s}
	h.boards.init(h)
	mux.HandleFunc("GET /{$}", h.onboarding)
	mux.HandleFunc("GET /live", h.live)
	if b.Demo != nil && b.Demo.Mailbox != nil {
		mux.HandleFunc("GET /mailbox", h.mailbox)
	}
}
