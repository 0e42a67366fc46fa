// Package saga is the page of one saga: where it is, how it came there as a waterfall, every record of it, what comes next, and what a
// cancel would undo. Everything on it is the log's. Start reading at page.go.
package saga

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
	b     *backend.Backend
	shell *shell.Shell
}

// Register adds the page's routes.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b, s}
	mux.HandleFunc("GET /sagas/{id}", h.show)
	mux.HandleFunc("GET /sagas/{id}/live", h.live)
}
