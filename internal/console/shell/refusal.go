package shell

import (
	"maps"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
)

// refusal is what refusal.html is given.
type refusal struct {
	Title string
	Said  []string // what is wrong, a sentence each
	Back  Room     // where the page leads
}

// Refuse answers with a problem: whom the browser shows it to gets it as a page, with a way back; programs, scripts and live streams
// get it as JSON. What went wrong inside is logged.
func (s *Shell) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	answer := problem.Of(err)
	if answer.GetStatus() == http.StatusInternalServerError {
		s.b.Logger.Error("a page could not be shown", "path", r.URL.Path, "error", err)
	}
	maps.Copy(w.Header(), problem.Headers(err))
	s.refuse(w, r, answer, said(answer)...)
}

// Nowhere answers a request that the mux had no handler for; allowed are the methods that the address has.
func (s *Shell) Nowhere(w http.ResponseWriter, r *http.Request, status int, allowed string) {
	answer := problem.Nowhere(status, r, allowed)
	if status == http.StatusNotFound {
		s.refuse(w, r, answer, "no page has the address "+words.Clip(r.URL.Path))
		return
	}
	s.refuse(w, r, answer, said(answer)...)
}

// refuse writes a problem as it is, or as a page that says the sentences.
func (s *Shell) refuse(w http.ResponseWriter, r *http.Request, answer huma.StatusError, sentences ...string) {
	if !isRead(r) {
		problem.Write(w, answer)
		return
	}
	data := refusal{Title: refusalTitle(answer.GetStatus()), Said: sentences, Back: s.nearest(r.URL.Path)}
	html, err := s.whole(r.Context(), Page{Place: data.Back.Name, Title: data.Title, Main: "refusal", Data: data})
	if err != nil {
		s.b.Logger.Error("a refusal could not be shown as a page", "path", r.URL.Path, "error", err)
		problem.Write(w, answer)
		return
	}
	respond(w, answer.GetStatus(), html)
}

// isRead says whether a person looks at the answer, rather than a program: of a browser's requests only navigations ask for HTML by name.
func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/")
}

func refusalTitle(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "There is nothing here"
	case status < http.StatusInternalServerError:
		return "This address can’t be shown"
	case status == http.StatusServiceUnavailable:
		return "Not now"
	}
	return "Something failed here"
}

// said is what a problem says, without what only a program needs.
func said(answer huma.StatusError) []string {
	model, ok := answer.(*huma.ErrorModel)
	if !ok || len(model.Errors) == 0 {
		return []string{answer.Error()}
	}
	sentences := make([]string, len(model.Errors))
	for i, e := range model.Errors {
		_, name, _ := strings.Cut(e.Location, ".")
		sentences[i] = strings.TrimPrefix(name+": "+e.Message, ": ")
	}
	return sentences
}

// nearest is the room of the side bar that an address belongs to, the first room if it belongs to none.
func (s *Shell) nearest(path string) Room {
	best := s.rooms[0]
	for _, room := range s.rooms {
		if room.Path != "" && len(room.Path) > len(best.Path) && (path == room.Path || strings.HasPrefix(path, room.Path+"/")) {
			best = room
		}
	}
	return best
}
