// Package services is the page of services and their instances: who runs, in which version, what each owns, has in hand and lets wait,
// and how workflows share a service. Start reading at handler.page.
package services

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/shell"
)

// Files are the templates and styles.
//
//go:embed *.html *.css
var Files embed.FS

type handler struct {
	b     *backend.Backend
	shell *shell.Shell
}

// Register adds the page's routes.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b, s}
	mux.HandleFunc("GET /services", h.page)
	mux.HandleFunc("GET /services/live", h.live)
}

// windows are the times that rates and percentiles can be taken over; the second is what is shown if nobody says.
var windows = []window{{"1m", "1 min", time.Minute}, {"5m", "5 min", 5 * time.Minute}, {"15m", "15 min", 15 * time.Minute}, {"1h", "1 h", time.Hour}}

type window struct {
	Word, Title string
	length      time.Duration
}

func (w window) URL(path string) string {
	if w == windows[1] {
		return path
	}
	return path + "?" + url.Values{"window": {w.Word}}.Encode()
}

func parseWindow(query url.Values) (window, error) {
	for name := range query {
		if name != "window" && name != "since" {
			return window{}, &problem.Field{Location: "query." + name, Message: "there is no such parameter"}
		}
	}
	word := query.Get("window")
	for _, w := range windows {
		if w.Word == word {
			return w, nil
		}
	}
	if word == "" {
		return windows[1], nil
	}
	return window{}, &problem.Field{Location: "query.window", Message: "must be 1m, 5m, 15m or 1h"}
}

// page answers GET /services.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	chosen, err := parseWindow(r.URL.Query())
	var data *page
	if err == nil {
		data, err = h.look(r.Context(), chosen)
	}
	h.shell.Show(w, r, shell.Page{Room: "services", Main: "services", Data: data, Live: chosen.URL("/services/live")}, err)
}

// live answers GET /services/live: the parts that change.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	chosen, err := parseWindow(r.URL.Query())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	h.shell.Follow(w, r, func(ctx context.Context) (shell.Look, error) {
		look := shell.Look{Parts: map[string]string{}}
		data, err := h.look(ctx, chosen)
		if err != nil {
			return look, err
		}
		for _, name := range []string{"services-count", "services-down", "fleet", "shared"} {
			if look.Parts[name], err = h.shell.Render(ctx, name, data); err != nil {
				return look, fmt.Errorf("%s: %w", name, err)
			}
		}
		return look, nil
	})
}

// look asks the tracker for all that the page shows.
func (h *handler) look(ctx context.Context, chosen window) (*page, error) {
	known, err := h.b.Tracker.Services(ctx)
	if err != nil {
		return nil, err
	}
	declared, err := h.b.Tracker.Declared(ctx)
	if err != nil {
		return nil, err
	}
	hops, err := h.b.Tracker.Hops(ctx, chosen.length)
	if err != nil {
		return nil, err
	}
	p := newPage(known, declared, hops)
	p.Window, p.Windows = chosen, windows
	return p, nil
}
