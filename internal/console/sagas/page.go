package sagas

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// page is what the templates are given.
type page struct {
	View     view
	Overview *overview
	Chips    []shell.Chip
	Rows     []row
	Matching tracker.Count
	Pager    shell.Pager
	Newer    string // what matches besides, in words; empty for nothing
	Seq      int64  // position of the log that the page shows
	Empty    *nothing
	Choices  choices
}

// choices are what the form of filters offers.
type choices struct {
	Workflows, Statuses, Services, Topics, Ages []string
}

// nothing says why the list is empty, and what next.
type nothing struct {
	Filtered bool
	Said     string
	Drop     string // the filter without which most would match
	Without  string // its address
	Found    tracker.Count
}

// page answers GET /sagas: complete, so that it can be read without any script.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	v, err := parseView(r.URL.Query())
	var p *page
	if err == nil {
		p, err = h.look(r.Context(), v)
	}
	frame := shell.Page{Room: "sagas", Main: "sagas", Dialogs: "sagas-dialogs", Data: p}
	if err == nil {
		frame.Live = v.live(p.Rows)
	}
	h.shell.Show(w, r, frame, err)
}

// look gathers a whole page.
func (h *handler) look(ctx context.Context, v view) (*page, error) {
	now := time.Now()
	q, err := v.query(now)
	if err != nil {
		return nil, err
	}
	p := &page{View: v}
	cause, err := h.cause(ctx, v.Cause)
	if err != nil {
		return nil, err
	}
	p.Chips = v.chips(cause)
	p.Seq, _ = h.b.Tracker.Changed() // before the list, so that what it shows began by then or isn't in the selection
	list, err := h.b.Tracker.Sagas(ctx, q)
	if err != nil {
		return nil, err
	}
	declared, err := h.b.Tracker.Declared(ctx)
	if err != nil {
		return nil, err
	}
	hops := hopsOf(declared)
	for _, s := range list.Sagas {
		p.Rows = append(p.Rows, newRow(s, hops, v, now))
	}
	if p.Matching, err = h.b.Tracker.Count(ctx, q); err != nil {
		return nil, err
	}
	if p.Overview, err = h.overview(ctx, v, now); err != nil {
		return nil, err
	}
	p.page(list.Next)
	p.Choices = choicesOf(declared, h.b.Workflows, v)
	if len(p.Rows) == 0 {
		p.Empty, err = h.nothing(ctx, v, now)
	}
	return p, err
}

// mostCause is how many characters of a cause its chip says.
const mostCause = 60

// cause says a cause of dead letters by who gave up and why.
func (h *handler) cause(ctx context.Context, key string) (string, error) {
	if key == "" {
		return "", nil
	}
	known, _, err := h.b.Tracker.Causes(ctx, tracker.CauseQuery{Key: key, Limit: 1})
	if err != nil || len(known) == 0 {
		return key, err
	}
	return clip(known[0].Service+", "+known[0].Error, mostCause), nil
}

// page says which part of the list is shown, and where it goes on.
func (p *page) page(next string) {
	order := "youngest first"
	p.Pager.Onward = "Older"
	if p.View.Oldest {
		order = "oldest first"
		p.Pager.Onward = "Younger"
	}
	last := p.View.From + len(p.Rows) - 1
	p.Pager.Said = fmt.Sprintf("%s–%s of %s, %s", words.Thousands(p.View.From), words.Thousands(last), counted(p.Matching), order)
	if next != "" {
		onward := p.View
		onward.Cursor, onward.From = next, p.View.From+len(p.Rows)
		p.Pager.Next = onward.URL()
	}
	if p.View.Cursor != "" {
		p.Pager.First = p.View.first().URL()
	}
}

// counted writes a count, and whether there may be more.
func counted(c tracker.Count) string {
	if c.AtLeast {
		return words.Thousands(c.N) + " or more"
	}
	return words.Thousands(c.N)
}

func (h *handler) nothing(ctx context.Context, v view, now time.Time) (*nothing, error) {
	fields := v.Fields()
	if len(fields) == 0 {
		return &nothing{}, nil
	}
	n := &nothing{Filtered: true}
	for _, f := range fields {
		without := v.Without(f.Name)
		q, err := without.Query(now)
		if err != nil {
			return nil, err
		}
		found, err := h.b.Tracker.Count(ctx, q)
		if err != nil {
			return nil, err
		}
		if found.N > n.Found.N {
			n.Found, n.Drop, n.Without = found, chipNames[f.Name]+" "+clip(f.Value, mostKey), v.with(without).URL()
		}
	}
	n.Said = words.Plural(len(fields), "filter") + " is on."
	if len(fields) > 1 {
		n.Said = words.Plural(len(fields), "filter") + " are on."
	}
	return n, nil
}

// ages are what the form offers.
var ages = []string{"10s", "1m", "10m", "1h", "24h"}

func choicesOf(declared []tracker.Declaration, workflows []string, v view) choices {
	c := choices{Statuses: append([]string{tracker.Open, tracker.Ended}, tracker.Statuses()...), Workflows: slices.Clone(workflows), Ages: slices.Clone(ages)}
	for _, d := range declared {
		c.Services = append(c.Services, d.Service)
		for _, s := range d.Steps {
			c.Workflows, c.Topics = append(c.Workflows, s.Workflow), append(c.Topics, s.Topic)
		}
	}
	c.Workflows = offered(c.Workflows, v.Workflow)
	c.Services = offered(c.Services, v.Service)
	c.Topics = offered(c.Topics, v.Topic)
	if v.OlderThan != "" && !slices.Contains(c.Ages, v.OlderThan) {
		c.Ages = append(c.Ages, v.OlderThan)
	}
	return c
}

// offered are choices, each once, with the one that is made.
func offered(all []string, made string) []string {
	all = append(all, made)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}
