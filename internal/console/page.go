package console

import (
	"net/http"
	"time"

	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// page is what the templates of the Onboarding page are given.
type page struct {
	View     view
	Board    boardPage
	Position string // of the live stream, where the page stands
	Now      time.Time

	Broker  string
	Durable bool
	Live    freshness

	Demo      bool // whether there is something to press
	HasNext   bool
	Next      events.NewUser
	Remaining int
	Lag       demo.Range
	LagTop    int // the slider's right end, in seconds
	Chances   []chance

	Mailbox bool
	Mails   int64
	Drawer  *drawer

	Unreachable string // since when the broker doesn't answer; empty while it does
	Warnings    []warning
	Stations    []stationPage
	Waiting     string // SVG path of the tokens that wait for a service that is down
	Home        []tally
	Columns     []string
	Summary     summary
	Lead        string
	NotBack     bool
	More        string
}

// boardPage is a board with what templates call by name.
type boardPage struct{ *board }

func (b boardPage) Rows() []*row        { return b.rows }
func (b boardPage) LastOver() time.Time { return b.lastOver }
func (b boardPage) AnyOver() bool       { return !b.lastOver.IsZero() }

// onboarding answers GET /: the whole page, so that it can be read without any script.
func (h *Handler) onboarding(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	var p *page
	b, err := h.boards.get(r.Context(), v)
	if err == nil {
		p = h.page(v, b)
	}
	if err == nil && v.Mail != "" && p.Mailbox {
		p.Drawer = h.drawer(v)
	}
	h.respond(w, "page", p, err)
}

// respond writes a rendered template, or the problem instead.
func (h *Handler) respond(w http.ResponseWriter, name string, data any, err error) {
	var html string
	if err == nil {
		html, err = h.pages.render(name, data)
	}
	if err != nil {
		h.log.Error("a page could not be shown", "page", name, "error", err)
		writeProblem(w, problemOf(err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(html)) //nolint:gosec // html/template has escaped it
}

// page gathers what a view shows with a board.
func (h *Handler) page(v view, b *board) *page {
	now := time.Now()
	lag := h.cfg.Tracker.Lag()
	p := &page{
		View: v, Board: boardPage{b}, Position: h.position(b.version()), Now: now,
		Broker: h.cfg.Broker, Durable: h.cfg.Durable,
		Live:        freshnessOf(lag),
		Unreachable: unreachable(lag, h.cfg.Broker, now),
		Warnings:    b.warnings(v, h.cfg.Demo != nil),
		Stations:    b.stationPages(v),
		Home:        b.home(),
		Columns:     []string{columns[len(columns)-1].Title},
		Summary:     b.summary(v),
		Lead:        b.lead(),
		NotBack:     b.total() > b.counts["completed"],
		More:        b.more(),
	}
	if !v.TraceOff {
		p.Columns = nil
		for _, c := range columns {
			p.Columns = append(p.Columns, c.Title)
		}
		p.Waiting = b.waiting()
	}
	if d := h.cfg.Demo; d != nil {
		p.Demo = true
		p.Next, p.HasNext = d.Hires.Peek()
		p.Remaining = d.Hires.Remaining()
		p.Lag = d.Faults.Lag()
		p.Chances = d.chances()
		p.LagTop = max(10, int((p.Lag.Max+time.Second-1)/time.Second))
		if d.Mailbox != nil {
			p.Mailbox, p.Mails = true, d.Mailbox.Count()
		}
	}
	return p
}

// renderRow renders one row of the table. A row that still moves says how long it has been so; one that doesn't is
// rendered once for all clients.
func (h *Handler) renderRow(r *row, traceOff bool) (string, error) {
	name, at := "row", 0
	if traceOff {
		name, at = "plain-row", 1
	}
	if done := r.html[at].Load(); done != nil {
		return *done, nil
	}
	html, err := h.pages.render(name, r)
	if err == nil && !r.moves() {
		r.html[at].Store(&html)
	}
	return html, err
}
