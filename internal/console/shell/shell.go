package shell

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/console/words"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// Room is a part of the console with files of its own: templates (*.html), styles (*.css) and modules (*.js). If there is a
// page.js it's loaded by the room's pages.
type Room struct {
	Name       string // of its folder: its assets are at <name>/<file>
	Files      fs.FS
	Everywhere bool // page.js is loaded by every page

	// Of its page in the side bar; no Path, no place there.
	Path, Title string
	Icon        string // a symbol of icons.html, without i-
	Key         string // opens it, after G
}

// Shell renders pages and keeps them up to date. It is safe for concurrent use.
type Shell struct {
	b         *backend.Backend
	streams   *live.Streams
	rooms     []Room
	templates map[bool]*template.Template // by whether who looks may act
	assets    *assets
	badges    map[string]Badge // by room
}

// New panics if a template doesn't parse, which is a room's own mistake.
func New(b *backend.Backend, streams *live.Streams, rooms []Room) *Shell {
	s := &Shell{b: b, streams: streams, rooms: rooms, badges: map[string]Badge{}}
	all := append([]Room{{Name: "shell", Files: files}}, rooms...)
	s.assets = newAssets(all)
	templates := template.New("").Funcs(template.FuncMap{
		"may":       func() bool { return true },
		"asset":     s.assets.path,
		"timeOfDay": words.TimeOfDay,
		"soFar":     words.SoFarSince,
		"lasted":    words.Lasted,
		"until":     words.Until,
		"percent":   words.Percent,
		"seconds":   words.Seconds,
		"thousands": words.Thousands[int64],
		"plural":    words.Plural[int64],
		"capital":   words.Capital,
		"int64":     func(n int) int64 { return int64(n) },
		"glyph":     glyph,
	})
	for _, room := range all {
		template.Must(templates.ParseFS(room.Files, "*.html"))
	}
	// Executed templates can't be cloned, nor can their functions be replaced: so there is one set for each of the two.
	viewers := template.Must(templates.Clone()).Funcs(template.FuncMap{"may": func() bool { return false }})
	s.templates = map[bool]*template.Template{true: templates, false: viewers}
	return s
}

// Register serves the assets.
func (s *Shell) Register(mux *http.ServeMux) { mux.Handle("GET /assets/", s.assets) }

// Render executes one template for who asks, by the request's context: in templates, may says whether they may act. Whatever acts has to stand
// in {{if may}}.
func (s *Shell) Render(ctx context.Context, name string, data any) (string, error) {
	var out bytes.Buffer
	err := s.templates[access.Of(ctx).MayAct()].ExecuteTemplate(&out, name, data)
	return out.String(), err
}

// Respond writes a rendered template, or the problem instead.
func (s *Shell) Respond(w http.ResponseWriter, r *http.Request, name string, data any, err error) {
	var html string
	if err == nil {
		html, err = s.Render(r.Context(), name, data)
	}
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	respond(w, http.StatusOK, html)
}

func respond(w http.ResponseWriter, status int, html string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(html))
}

// Pace is that of a stream that a room serves itself.
func (s *Shell) Pace() *live.Pace { return s.streams.Pace() }

// Enter takes a place for a stream that a room serves itself; see [live.Streams.Enter].
func (s *Shell) Enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	return s.streams.Enter(ctx)
}
