package onboarding

import (
	"context"
	"slices"
)

const (
	rowsPerTick = 50 // what changed beside them comes with the next tick
	toldPerTick = 20 // sentences for those who can't see the rows change
)

// parts are the fragments of the page that a patch may bring: templates whose element has the same ID.
var parts = []string{"warning", "waiting", "stations", "next", "lag", "failures", "summary", "empty", "more", "lead", "mail-count"}

// patch is one update of a page.
type patch struct {
	Rows   []rowPatch        `json:"rows,omitempty"`
	Order  []string          `json:"order,omitempty"` // the IDs of all rows, when that has changed
	Gone   bool              `json:"gone,omitempty"`  // no row is left; else Order says so
	Parts  map[string]string `json:"parts,omitempty"`
	Hops   map[string]int    `json:"hops,omitempty"` // by topic: how many tokens went there since the last patch
	Told   []string          `json:"told,omitempty"`
	Untold int               `json:"untold,omitempty"` // how many more there would be to tell
}

type rowPatch struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// rowsOf adds the rows that the page doesn't show as they are, the newest first and at most rowsPerTick of them. The
// position is such that all rows up to it were sent: who resumes there misses none.
func (w *watcher) rowsOf(ctx context.Context, b *board, out *patch) (position uint64, unsent bool, err error) {
	position = max(w.since, b.version())
	first := w.rows == nil
	shown := make(map[string]*row, len(b.rows))
	order := make([]string, 0, len(b.rows))
	for _, r := range b.rows {
		order = append(order, r.ID)
		before := w.rows[r.ID]
		switch {
		case before == r, first && r.Version <= w.since:
			shown[r.ID] = r
			continue
		case len(out.Rows) >= rowsPerTick:
			unsent, position = true, min(position, r.Version-1)
			if before != nil {
				shown[r.ID] = before
			}
			continue
		}
		html, err := w.h.renderRow(ctx, r, w.view.TraceOff)
		if err != nil {
			return 0, unsent, err
		}
		out.Rows = append(out.Rows, rowPatch{r.ID, html})
		shown[r.ID] = r
		if !first {
			out.tell(before, r, w.view.TraceOff)
		}
	}
	if first || !slices.Equal(order, w.order) {
		out.Order, out.Gone = order, len(order) == 0
	}
	w.rows, w.order = shown, order
	return position, unsent, nil
}

// tell notes what is worth saying of a row that has changed: where its token went, and how the saga ended.
func (p *patch) tell(before, now *row, traceOff bool) {
	reached, toldBefore := 0, ""
	if before != nil {
		reached, toldBefore = before.Reached, before.Told
	}
	if !traceOff {
		for i := reached; i < min(now.Reached, len(columns)); i++ {
			if p.Hops == nil {
				p.Hops = make(map[string]int)
			}
			p.Hops[columns[i].Topic]++
		}
	}
	switch {
	case now.Told == "" || now.Told == toldBefore:
	case len(p.Told) < toldPerTick:
		p.Told = append(p.Told, now.Told)
	default:
		p.Untold++
	}
}

// partsOf renders the fragments that differ from what was sent.
func (w *watcher) partsOf(ctx context.Context, p *page, seq int64) (map[string]string, error) {
	all, err := w.h.shell.Parts(ctx, seq, &w.rate)
	if err != nil {
		return nil, err
	}
	for _, name := range parts {
		switch {
		case (name == "next" || name == "lag" || name == "failures") && !p.Demo, name == "mail-count" && !p.Mailbox, name == "lead" && !w.view.TraceOff:
			continue
		}
		html, err := w.h.shell.Render(ctx, name, p)
		if err != nil {
			return nil, err
		}
		all[name] = html
	}
	changed := make(map[string]string)
	for name, html := range all {
		if w.parts[name] != html {
			w.parts[name] = html
			changed[name] = html
		}
	}
	return changed, nil
}
