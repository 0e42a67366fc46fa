package saga

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/saga/waterfall"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// page is what the templates are given.
type page struct {
	View     view
	Saga     tracker.Saga
	Name     string
	Sentence string
	Ring     ring
	Acts     []act
	Facts    shell.Facts
	Chart    *waterfall.Chart
	Events   eventList
	Panels   []panel
}

// show answers GET /sagas/{id}: the whole page, so that it can be read without any script.
func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r)
	var s *story
	if err == nil {
		s, err = h.read(r.Context(), v.ID, nil)
	}
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	p := pageOf(s, v, time.Now())
	h.shell.Show(w, r, shell.Page{Room: "saga", Place: "sagas", Title: p.Name, Main: "saga", Data: p, Live: v.LiveURL()}, nil)
}

func pageOf(s *story, v view, now time.Time) *page {
	p := &page{
		View: v, Saga: s.saga, Name: cmp.Or(s.saga.Subject, s.saga.ID), Sentence: s.saga.Sentence(now),
		Ring: ringOf(s), Acts: actsOf(&s.saga), Facts: shell.Facts{ID: "facts", List: s.facts(now)}, Events: s.list(v), Panels: s.panels(now),
	}
	p.Chart = waterfall.Draw(waterfall.Input{
		Saga: s.saga, Failed: s.failed(), Ahead: s.drawnAhead(), Roles: s.roles(), Now: now, Steps: v.Steps,
	})
	return p
}

// failed are the attempts that ledgers and dead letters tell of.
func (s *story) failed() (all []waterfall.Attempt) {
	for i := range s.events {
		e := &s.events[i]
		if l, ok := note(e); ok && e.Type == tracker.AttemptType {
			all = append(all, waterfall.Attempt{EventID: l.ID, Number: l.Attempt, At: e.Time, Due: l.Due, Error: l.Error})
		} else if header(e, wire.LetterService) != "" && header(e, wire.LetterEvent) != "" {
			all = append(all, waterfall.Attempt{EventID: header(e, wire.LetterEvent), Number: number(header(e, wire.LetterAttempts)), At: e.Time, Error: header(e, wire.LetterError)})
		}
	}
	return all
}

// drawnAhead is what the chart shows of what is to come.
func (s *story) drawnAhead() (all []waterfall.Ahead) {
	if s.saga.Outcome != "" {
		return nil
	}
	current, ok := s.saga.Current()
	if ok && current.State == tracker.StepRetrying {
		all = append(all, waterfall.Ahead{Service: current.Service, Label: "attempt " + count(current.Attempt+1), Undo: current.Undo})
	}
	if s.turned() {
		for _, stop := range s.stillToUndo() {
			all = append(all, waterfall.Ahead{Service: stop.Service, Label: "undo", Undo: true})
		}
		return all
	}
	for _, h := range s.ahead(s.topicNow()) {
		all = append(all, waterfall.Ahead{Service: h.Service, Label: h.Topic})
	}
	return all
}

// turned says whether the saga is on its way back.
func (s *story) turned() bool {
	current, ok := s.saga.Current()
	return ok && current.Undo || s.saga.Status == tracker.Compensating
}

// topicNow is the topic of the step that has the token, or of the last one.
func (s *story) topicNow() string {
	if current, ok := s.saga.Current(); ok {
		return current.Topic
	}
	if n := len(s.saga.Steps); n > 0 {
		return s.saga.Steps[n-1].Topic
	}
	return ""
}

// live answers GET /sagas/{id}/live: the stream that keeps a page with the same view up to date.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r)
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	watch := &watcher{h: h, view: v}
	h.shell.Follow(w, r, watch.look)
}

// watcher is one page that is kept up to date.
type watcher struct {
	h      *handler
	view   view
	known  *story
	status string
}

func (w *watcher) look(ctx context.Context) (shell.Look, error) {
	s, err := w.h.read(ctx, w.view.ID, w.known)
	if err != nil {
		return shell.Look{}, err
	}
	w.known = s
	p := pageOf(s, w.view, time.Now())
	look := shell.Look{Parts: map[string]string{}}
	for name, data := range map[string]any{
		"saga-title": p, "facts": p.Facts, "saga-timeline": p, "saga-events": p, "saga-panels": p,
	} {
		if look.Parts[name], err = w.h.shell.Render(ctx, name, data); err != nil {
			return look, err
		}
	}
	if w.status != "" && w.status != s.saga.Status {
		look.Told = []string{p.Sentence}
	}
	w.status = s.saga.Status
	return look, nil
}
