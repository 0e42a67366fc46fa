// Package sagas is the page of all sagas: how many are how, and a list of those that one asks for, kept up to date in place, with what can be
// done about many at once. Every view is an address (view.go). Start reading at handler.page.
package sagas

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
	mux.HandleFunc("GET /sagas", h.page)
	mux.HandleFunc("GET /sagas/live", h.live)
}
