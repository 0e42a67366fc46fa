package shell

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/access"
)

// Page is one page as a room gives it to the shell.
type Page struct {
	Room     string // whose place in the side bar is marked and whose page.js is loaded
	Place    string // the room whose place in the side bar is marked instead, if the room has none
	Title    string // of the browser's tab; empty: the room's
	Main     string // template of what is inside <main>
	Dialogs  string // template of what comes after it; empty for nothing
	Data     any    // what both are given
	Live     string // address of the stream that keeps the page up to date; empty for none
	Position string // where it stands in that stream, if the stream counts
}

// frame is what layout.html is given.
type frame struct {
	Page
	Main    template.HTML
	Dialogs template.HTML
	Scripts []string
	Now     time.Time
	Nav     []place
	Broker  string
	Durable bool
	Fresh   Freshness
	Silent  string
	Who     access.Who
}

type place struct {
	Room
	Current bool
	Badge   *badge
}

// Show answers with a page, so that it can be read without any script, or with the problem instead.
func (s *Shell) Show(w http.ResponseWriter, r *http.Request, page Page, err error) {
	var html string
	if err == nil {
		html, err = s.whole(r.Context(), page)
	}
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	respond(w, http.StatusOK, html)
}

// whole renders a page with what is around it.
func (s *Shell) whole(ctx context.Context, page Page) (string, error) {
	f, err := s.frame(ctx, page)
	if err != nil {
		return "", err
	}
	return s.Render(ctx, "layout", f)
}

func (s *Shell) frame(ctx context.Context, page Page) (*frame, error) {
	f := &frame{Page: page, Now: time.Now(), Broker: s.b.Broker, Durable: s.b.Durable, Who: access.Of(ctx)}
	f.Fresh, f.Silent = s.freshness(f.Now)
	for _, room := range s.rooms {
		current := room.Name == page.Room
		if room.Path != "" {
			f.Nav = append(f.Nav, place{room, current || room.Name == page.Place, s.badge(room.Name)})
		}
		if current && page.Title == "" {
			f.Title = room.Title
		}
		if script := room.Name + "/page.js"; (current || room.Everywhere) && s.assets.has(script) {
			f.Scripts = append(f.Scripts, script)
		}
	}
	var err error
	if f.Main, err = s.inner(ctx, page.Main, page.Data); err != nil || page.Dialogs == "" {
		return f, err
	}
	f.Dialogs, err = s.inner(ctx, page.Dialogs, page.Data)
	return f, err
}

func (s *Shell) inner(ctx context.Context, name string, data any) (template.HTML, error) {
	html, err := s.Render(ctx, name, data)
	return template.HTML(html), err //nolint:gosec // html/template has escaped it
}
