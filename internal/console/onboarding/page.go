package onboarding

import (
	"context"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// page is what the templates of the Onboarding page are given.
type page struct {
	View  view
	Board boardPage

	Demo      bool // whether there is something to press, and whoever looks may do so
	HasNext   bool
	Next      events.NewUser
	Remaining int
	Lag       demo.Range
	LagTop    int // the slider's right end, in seconds
	Chances   []backend.Chance

	Departments []string // that the form offers

	Mailbox bool
	Mails   int64
	Drawer  *drawer

	Warnings []warning
	Stations []stationPage
	Waiting  string // SVG path of the tokens that wait for a service that is down
	Home     []tally
	Columns  []string
	Summary  summary
	Lead     string
	NotBack  bool
	More     string
}

// boardPage is a board with what templates call by name.
type boardPage struct{ *board }

func (b boardPage) Rows() []*row        { return b.rows }
func (b boardPage) LastOver() time.Time { return b.lastOver }
func (b boardPage) AnyOver() bool       { return !b.lastOver.IsZero() }

// onboarding answers GET /: the whole page, so that it can be read without any script.
func (h *handler) onboarding(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	var p *page
	b, err := h.boards.get(r.Context(), v)
	if err == nil {
		p = h.page(r.Context(), v, b)
	}
	if err == nil && v.Mail != "" && p.Mailbox {
		p.Drawer = h.drawer(v)
	}
	frame := shell.Page{Room: "onboarding", Main: "onboarding", Dialogs: "onboarding-dialogs", Data: p, Live: v.LiveURL()}
	if err == nil {
		frame.Position = h.position(b.version())
	}
	h.shell.Show(w, r, frame, err)
}

// page gathers what a view shows with a board.
func (h *handler) page(ctx context.Context, v view, b *board) *page {
	may := access.Of(ctx).MayAct()
	p := &page{
		View: v, Board: boardPage{b},
		Warnings: b.warnings(v, may && h.b.Demo != nil),
		Stations: b.stationPages(v),
		Home:     b.home(),
		Columns:  []string{columns[len(columns)-1].Title},
		Summary:  b.summary(v),
		Lead:     b.lead(),
		NotBack:  b.total() > b.counts["completed"],
		More:     b.more(),
	}
	if !v.TraceOff {
		p.Columns = nil
		for _, c := range columns {
			p.Columns = append(p.Columns, c.Title)
		}
		p.Waiting = b.waiting()
	}
	if d := h.b.Demo; d != nil {
		p.Demo = may
		p.Next, p.HasNext = d.Hires.Peek()
		p.Remaining = d.Hires.Remaining()
		p.Lag = d.Faults.Lag()
		p.Chances = d.Chances()
		p.Departments = events.Departments
		p.LagTop = max(10, int((p.Lag.Max+time.Second-1)/time.Second))
		if d.Mailbox != nil {
			p.Mailbox, p.Mails = true, d.Mailbox.Count()
		}
	}
	return p
}

// renderRow renders one row of the table. A row that still moves says how long it has been so; one that doesn't is
// rendered once for all clients that may do the same.
func (h *handler) renderRow(ctx context.Context, r *row, traceOff bool) (string, error) {
	name, at := "row", 0
	if traceOff {
		name, at = "plain-row", 1
	}
	if !access.Of(ctx).MayAct() {
		at += 2
	}
	if done := r.html[at].Load(); done != nil {
		return *done, nil
	}
	html, err := h.shell.Render(ctx, name, r)
	if err == nil && !r.moves() {
		r.html[at].Store(&html)
	}
	return html, err
}
