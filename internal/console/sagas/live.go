package sagas

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

// live answers GET /sagas/live: what changes on a page that lists the sagas in rows. The list stays as it is: rows change in their places,
// those that stopped matching recede, and of those that match besides it says how many there are.
func (h *handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query(), "rows")
	var ids []string
	if err == nil {
		ids, err = parseRows(r.URL.Query().Get("rows"))
	}
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	f := &follower{h: h, view: v, ids: ids, rows: map[string]shown{}}
	h.shell.Follow(w, r, f.look)
}

func parseRows(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	ids := strings.Split(text, ",")
	for _, id := range ids {
		if uuid.Validate(id) != nil || len(ids) > rowsOfPage {
			return nil, &problem.Field{Location: "query.rows", Message: "must be the IDs of the sagas that the page lists, 50 at most"}
		}
	}
	return ids, nil
}

// follower keeps one page up to date.
type follower struct {
	h    *handler
	view view
	ids  []string
	rows map[string]shown

	slow  time.Time // when the parts that cost more were made
	parts map[string]string
}

// shown is a row as the page has it.
type shown struct {
	state state
	html  string
}

func (f *follower) look(ctx context.Context) (shell.Look, error) {
	now := time.Now()
	look := shell.Look{Parts: map[string]string{}}
	declared, err := f.h.b.Tracker.Declared(ctx)
	if err != nil {
		return look, err
	}
	sagas, err := f.h.b.Tracker.Among(ctx, f.ids)
	if err != nil {
		return look, err
	}
	hops := hopsOf(declared)
	for _, s := range sagas {
		r := newRow(s, hops, f.view, now)
		before, ok := f.rows[r.ID]
		if !ok || before.state != r.state() {
			html, err := f.h.shell.Render(ctx, "sagas-row", r)
			if err != nil {
				return look, err
			}
			before = shown{r.state(), html}
			f.rows[r.ID] = before
		}
		look.Parts["saga-"+r.ID] = before.html
	}
	if now.Sub(f.slow) >= time.Second {
		if err := f.slowly(ctx, now); err != nil {
			return look, err
		}
		f.slow = now
	}
	maps.Copy(look.Parts, f.parts)
	return look, nil
}

// slowly makes the parts for which the whole store is asked: once a second is often enough.
func (f *follower) slowly(ctx context.Context, now time.Time) (err error) {
	p := &page{View: f.view}
	if p.Overview, err = f.h.overview(ctx, f.view, now); err != nil {
		return err
	}
	q, err := f.view.query(now)
	if err != nil {
		return err
	}
	if p.Matching, err = f.h.b.Tracker.Count(ctx, q); err != nil {
		return err
	}
	if p.Newer, err = f.newer(ctx, q); err != nil {
		return err
	}
	f.parts = map[string]string{}
	for _, name := range []string{"sagas-counts", "sagas-outcomes", "newer", "matching"} {
		if f.parts[name], err = f.h.shell.Render(ctx, name, p); err != nil {
			return err
		}
	}
	return nil
}

// newer says how many sagas the page would list that it doesn't, or how many have begun since its first row did if these are more.
func (f *follower) newer(ctx context.Context, q tracker.Query) (string, error) {
	list, err := f.h.b.Tracker.Sagas(ctx, q)
	if err != nil {
		return "", err
	}
	n := 0
	for _, s := range list.Sagas {
		if !slices.Contains(f.ids, s.ID) {
			n++
		}
	}
	more := tracker.Count{N: int64(n)}
	if n == rowsOfPage {
		more.AtLeast = true
		if !f.view.Oldest && f.view.Cursor == "" {
			if more, err = f.begunSince(ctx, q, more); err != nil {
				return "", err
			}
		}
	}
	if n == 0 {
		return "", nil
	}
	word := "newer"
	if f.view.Oldest || f.view.Cursor != "" || f.view.Status != "" {
		word = "more"
	}
	verb := "match"
	if more.N == 1 && !more.AtLeast {
		verb = "matches"
	}
	return counted(more) + " " + word + " " + verb + ". Show", nil
}

// begunSince counts the sagas that began after the youngest that the page lists.
func (f *follower) begunSince(ctx context.Context, q tracker.Query, atLeast tracker.Count) (tracker.Count, error) {
	if len(f.ids) == 0 {
		return f.h.b.Tracker.Count(ctx, q)
	}
	first, err := f.h.b.Tracker.Among(ctx, f.ids[:1])
	if err != nil || len(first) == 0 {
		return atLeast, err
	}
	q.StartedAfter = first[0].Started.Add(1)
	begun, err := f.h.b.Tracker.Count(ctx, q)
	if begun.N < atLeast.N {
		return atLeast, err
	}
	return begun, err
}
