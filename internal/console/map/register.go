// Package chart is the page of the map (its folder can't name it: map is a keyword): services and topics as a graph, a hop of it in
// figures, and every hop in a table. The graph and its drawing are internal/topology's. Start reading at handler.page.
package chart

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"sync"

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
	mu     sync.Mutex
	graphs map[string]*known // by window
}

// Register adds the page's routes.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b: b, shell: s, graphs: map[string]*known{}}
	mux.HandleFunc("GET /map", h.page)
	mux.HandleFunc("GET /map/live", h.live)
}

// page answers GET /map: whole, so that it can be read without any script.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	var p *page
	if err == nil {
		p, err = h.look(r.Context(), v)
	}
	h.shell.Show(w, r, shell.Page{Room: "map", Main: "map", Data: p, Live: v.at("/map/live")}, err)
}

// live answers GET /map/live: the parts that change.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	h.shell.Follow(w, r, func(ctx context.Context) (shell.Look, error) {
		look := shell.Look{Parts: map[string]string{}}
		p, err := h.look(ctx, v)
		if err != nil {
			return look, err
		}
		for _, name := range []string{"map-check", "map-panel", "map-findings", "map-hop", "map-hops"} {
			if look.Parts[name], err = h.shell.Render(ctx, name, p); err != nil {
				return look, fmt.Errorf("%s: %w", name, err)
			}
		}
		return look, nil
	})
}
