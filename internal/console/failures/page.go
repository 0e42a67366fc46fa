package failures

import (
	"context"
	"net/http"
	"strings"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// page is what the templates are given.
type page struct {
	View   view
	States []segment
	Said   string // under the title
	Groups []group
	More   string // how many groups the list leaves out
	Newer  int    // groups that the page doesn't list yet
	Lately []past
	Cause  *detail // nil if there is nothing to show
}

type segment struct {
	Title, URL string
	N          int64
	Current    bool
}

// page answers GET /failures.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query(), false)
	var p *page
	var live string
	if err == nil {
		p, err = h.look(r.Context(), &v)
	}
	if err == nil && p.Cause != nil {
		err = h.fill(r.Context(), v, p.Cause)
	}
	if err == nil {
		var keys []string
		for _, g := range p.Groups {
			keys = append(keys, g.Key)
		}
		var rows []letterRow
		if p.Cause != nil {
			rows = p.Cause.Rows
		}
		live = v.LiveURL(keys, rows)
	}
	h.shell.Show(w, r, shell.Page{Room: "failures", Main: "failures-page", Dialogs: "failures-dialogs", Data: p, Live: live}, err)
}

// live answers GET /failures/live: the parts that change.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query(), true)
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	told := &teller{}
	h.shell.Follow(w, r, func(ctx context.Context) (shell.Look, error) {
		v := v
		p, err := h.look(ctx, &v)
		if err != nil {
			return shell.Look{}, err
		}
		parts, err := h.parts(ctx, v, p)
		return shell.Look{Parts: parts, Told: told.tell(p)}, err
	})
}

// parts renders what changes.
func (h *handler) parts(ctx context.Context, v view, p *page) (map[string]string, error) {
	parts := map[string]string{}
	var err error
	add := func(id, name string, data any) {
		if err == nil {
			parts[id], err = h.shell.Render(ctx, name, data)
		}
	}
	for _, name := range []string{"failures-said", "failures-states", "failures-newer", "failures-lately"} {
		add(name, name, p)
	}
	for _, g := range p.Groups {
		add("group-"+g.Key, "failures-group", g)
	}
	if p.Cause == nil {
		return parts, err
	}
	for _, name := range []string{"failures-top", "failures-hint", "failures-flow", "failures-tabs"} {
		add(name, name, p.Cause)
	}
	if len(v.Rows) > 0 && err == nil {
		var letters []tracker.Letter
		if letters, err = h.b.Tracker.LettersAt(ctx, v.Rows); err != nil {
			return nil, err
		}
		for _, l := range letters {
			row := letterRow{l}
			add(row.ElementID(), "failures-letter", row)
		}
	}
	return parts, err
}

// look gathers what a view shows, but for what is under a tab. It chooses the first cause if the view names none.
func (h *handler) look(ctx context.Context, v *view) (*page, error) {
	counts, err := h.letterCounts(ctx)
	if err != nil {
		return nil, err
	}
	known, err := h.groupsOf(ctx, v.State)
	if err != nil {
		return nil, err
	}
	p := &page{View: *v, Lately: h.lately()}
	for _, s := range states {
		var n int64
		for _, status := range s.Statuses {
			n += counts[status]
		}
		if s.Word == "loose" && n == 0 && v.State.Word != "loose" {
			continue
		}
		p.States = append(p.States, segment{s.Title, v.In(s).URL(), n, s.Word == v.State.Word})
		if s.Word == v.State.Word {
			p.Said = said(s, n, known.total)
		}
	}
	if v.Cause == "" && len(known.causes) > 0 {
		v.Cause = known.causes[0].Key
		if len(v.Groups) > 0 {
			v.Cause = v.Groups[0]
		}
	}
	p.View = *v
	if err := h.list(ctx, *v, known, p); err != nil {
		return nil, err
	}
	if v.Cause == "" {
		return p, nil
	}
	cause, err := h.causeOf(ctx, v.Cause)
	if err != nil {
		return nil, err
	}
	p.Cause, err = h.detail(ctx, *v, cause)
	return p, err
}

// said is the sentence under the title.
func said(s state, letters int64, causes int) string {
	are, groups := "are", words.Plural(causes, "group")+" by cause"
	if letters == 1 {
		are = "is"
	}
	switch {
	case letters == 0:
		return ""
	case s.Word == "open" && letters == 1:
		return "1 dead letter is open. It halts its saga; all others pass by."
	case s.Word == "open":
		return words.Plural(letters, "dead letter") + " are open, in " + groups + ". Each halts one saga; all others pass by."
	case s.Word == "loose":
		return words.Plural(letters, "dead letter") + " " + are + " of no saga, in " + groups + ". They halt nothing."
	case s.Word == "redriven":
		return words.Plural(letters, "dead letter") + " " + strings.Replace(are, "are", "were", 1) + " given back, in " + groups + "."
	}
	return words.Plural(letters, "dead letter") + " ended with their sagas: discarded, or undone otherwise, in " + groups + "."
}
