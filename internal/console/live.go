package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	rowsPerTick = 50 // what changed beside them comes with the next tick
	toldPerTick = 20 // sentences for those who can't see the rows change
)

// parts are the fragments of the page that a patch may bring: templates whose element has the same ID.
var parts = []string{"live", "warning", "waiting", "stations", "next", "lag", "summary", "empty", "more", "lead", "mail-count"}

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

// live answers GET /live: the stream of patches that keeps a page with the same view up to date.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err == nil {
		err = h.streams.enter()
	}
	if err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	defer h.streams.leave()
	ctx, cancel := h.streams.bound(r.Context())
	defer cancel()
	watcher := &watcher{h: h, view: v, out: newEventWriter(w), parts: make(map[string]string)}
	watcher.resume(r)
	if err := watcher.run(ctx); err != nil && ctx.Err() == nil {
		h.log.Warn("a live page was cut off", "error", err)
	}
}

// position is where a page stands: the version of its newest row, in the life of this Handler.
func (h *Handler) position(version uint64) string { return fmt.Sprintf("%s.%d", h.life, version) }

// version is that of the newest row that was made for the board or before it.
func (b *board) version() uint64 {
	var newest uint64
	for _, r := range b.rows {
		newest = max(newest, r.Version)
	}
	return newest
}

// watcher is one page that is kept up to date.
type watcher struct {
	h    *Handler
	view view
	out  *eventWriter

	since uint64          // rows up to this version are on the page since before this stream
	rows  map[string]*row // what the page shows; nil before the first patch
	order []string
	parts map[string]string
	rate  rate
}

// resume takes the place where the page stands: what it was rendered with, or the last patch that it got. A place of a
// former life is none, so that the page gets every row again.
func (w *watcher) resume(r *http.Request) {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = r.URL.Query().Get("since")
	}
	if version, ok := strings.CutPrefix(at, w.h.life+"."); ok {
		w.since, _ = strconv.ParseUint(version, 10, 64) // garbled: 0, every row again
	}
}

func (w *watcher) run(ctx context.Context) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	clock := time.NewTicker(time.Second) // how far behind the log we are changes without any event
	defer clock.Stop()
	var pace pace
	for pace.wait(ctx) {
		// Signals are taken before the look, so that a change meanwhile ends the wait below at once.
		seq, changed := w.h.cfg.Tracker.Changed()
		services, mails, touched := w.h.demoChanges()
		b, err := w.h.boards.recent(ctx, w.view)
		if err != nil {
			return err
		}
		unsent, err := w.send(w.h.page(w.view, b), seq)
		if err != nil {
			return err
		}
		if unsent || b.seq < seq {
			continue // the board that clients share was a moment old, or there is more than one tick brings
		}
		select {
		case <-changed:
		case <-services:
		case <-mails:
		case <-touched:
		case <-clock.C:
		case <-beat.C:
			w.out.comment()
		case <-ctx.Done():
		}
	}
	return nil
}

// demoChanges gives what else than the tracker may change the page; a nil channel never does.
func (h *Handler) demoChanges() (services, mails, touched <-chan struct{}) {
	if h.cfg.Demo == nil {
		return nil, nil, nil
	}
	if h.cfg.Demo.Mailbox != nil {
		mails = h.cfg.Demo.Mailbox.Changed()
	}
	return h.cfg.Demo.Services.Changed(), mails, h.touched.changed()
}

// send writes what differs from what the page shows. unsent says that rows are left for the next tick.
func (w *watcher) send(p *page, seq int64) (unsent bool, err error) {
	var out patch
	position, unsent, err := w.rowsOf(p.Board.board, &out)
	if err != nil {
		return unsent, err
	}
	p.Live.Joined = w.rate.joined(seq, p.Now)
	if out.Parts, err = w.partsOf(p); err != nil {
		return unsent, err
	}
	if len(out.Rows) > 0 || out.Order != nil || out.Gone || len(out.Parts) > 0 {
		if err := w.out.event("patch", w.h.position(position), out); err != nil {
			return unsent, err
		}
	}
	return unsent, w.out.flush()
}

// rowsOf adds the rows that the page doesn't show as they are, the newest first and at most rowsPerTick of them. The
// position is such that all rows up to it were sent: who resumes there misses none.
func (w *watcher) rowsOf(b *board, out *patch) (position uint64, unsent bool, err error) {
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
		html, err := w.h.renderRow(r, w.view.TraceOff)
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
func (w *watcher) partsOf(p *page) (map[string]string, error) {
	changed := make(map[string]string)
	for _, name := range parts {
		switch {
		case (name == "next" || name == "lag") && !p.Demo, name == "mail-count" && !p.Mailbox, name == "lead" && !w.view.TraceOff:
			continue
		}
		html, err := w.h.pages.render(name, p)
		if err != nil {
			return nil, err
		}
		if w.parts[name] != html {
			w.parts[name] = html
			changed[name] = html
		}
	}
	return changed, nil
}

// rate measures how many changes go into the updates of one client.
type rate struct {
	at   time.Time
	seq  int64
	said string
}

// worthSaying is from how many changes a second on the page says that they are joined.
const worthSaying = 30

func (r *rate) joined(seq int64, now time.Time) string {
	passed := now.Sub(r.at)
	if passed < time.Second {
		return r.said
	}
	if changes := int64(float64(seq-r.seq) / passed.Seconds()); !r.at.IsZero() && changes >= worthSaying {
		r.said = thousands(changes) + " changes a second, joined into " + strconv.Itoa(int(time.Second/tick))
	} else {
		r.said = ""
	}
	r.at, r.seq = now, seq
	return r.said
}
