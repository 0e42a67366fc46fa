package audit

import (
	"context"
	"embed"
	"net/http"
	"net/url"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

// Files are the templates and styles.
//
//go:embed *.html *.css
var Files embed.FS

const perPage = 50

type handler struct {
	b     *backend.Backend
	shell *shell.Shell
}

// Register adds the page's routes.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b, s}
	mux.HandleFunc("GET /audit", h.show)
	mux.HandleFunc("GET /audit/live", h.live)
}

type page struct {
	Entries []tracker.AuditEntry
	Pager   shell.Pager
}

func cursorOf(query url.Values) (string, error) {
	for name := range query {
		if name != "cursor" && name != "since" {
			return "", &problem.Field{Location: "query." + name, Message: "there is no such parameter"}
		}
	}
	return query.Get("cursor"), nil
}

func (h *handler) look(ctx context.Context, cursor string) (*page, error) {
	found, err := h.b.Tracker.Audit(ctx, cursor, perPage)
	if err != nil {
		return nil, err
	}
	p := &page{Entries: found.Entries, Pager: shell.Pager{Said: "Newest first", Onward: "Older"}}
	if cursor != "" {
		p.Pager.First = "/audit"
	}
	if found.Next != "" {
		p.Pager.Next = "/audit?" + url.Values{"cursor": {found.Next}}.Encode()
	}
	return p, nil
}

// show answers GET /audit.
func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	cursor, err := cursorOf(r.URL.Query())
	var p *page
	if err == nil {
		p, err = h.look(r.Context(), cursor)
	}
	frame := shell.Page{Room: "audit", Main: "audit", Data: p}
	if cursor == "" {
		frame.Live = "/audit/live"
	}
	h.shell.Show(w, r, frame, err)
}

// live answers GET /audit/live: the newest entries.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	h.shell.Follow(w, r, func(ctx context.Context) (look shell.Look, err error) {
		p, err := h.look(ctx, "")
		if err != nil {
			return look, err
		}
		html, err := h.shell.Render(ctx, "audit-entries", p)
		return shell.Look{Parts: map[string]string{"audit-entries": html}}, err
	})
}
