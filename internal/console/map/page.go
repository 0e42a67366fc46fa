package chart

import (
	"context"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// page is what the templates are given.
type page struct {
	View      view
	Windows   []window
	Workflows []string
	Breaks    int
	Findings  []topology.Finding
	Empty     bool
	Drawing   template.HTML
	Width     float64
	Height    float64
	Hop       *hop     // the chosen one
	Summary   *summary // without one
	Rows      []row
}

// known is what is known of the graph over a window, at a time. It's the same for all who look within freshFor.
type known struct {
	made     time.Time
	graph    *topology.Graph
	layout   topology.Layout
	said     topology.Said
	services []tracker.Service
	findings []topology.Finding
}

// freshFor bounds what drawing costs beside a load: figures over minutes don't change to the eye within it.
const freshFor = time.Second

func (h *handler) know(ctx context.Context, w window) (*known, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if k := h.graphs[w.Word]; k != nil && now.Sub(k.made) < freshFor {
		return k, nil
	}
	declared, err := h.b.Tracker.Declared(ctx)
	if err != nil {
		return nil, err
	}
	hops, err := h.b.Tracker.Hops(ctx, w.length)
	if err != nil {
		return nil, err
	}
	services, err := h.b.Tracker.Services(ctx)
	if err != nil {
		return nil, err
	}
	g := topology.Build(declared, hops)
	k := &known{now, g, topology.Lay(g), topology.Say(g, services), services, g.Check()}
	h.graphs[w.Word] = k
	return k, nil
}

// look gathers what a view shows.
func (h *handler) look(ctx context.Context, v view) (*page, error) {
	k, err := h.know(ctx, v.Window)
	if err != nil {
		return nil, err
	}
	p := &page{View: v, Windows: windows, Findings: k.findings, Empty: len(k.graph.Services) == 0, Width: k.layout.Width, Height: k.layout.Height}
	for _, w := range k.graph.Workflows {
		p.Workflows = append(p.Workflows, w.Name)
	}
	p.Workflows = slices.Compact(p.Workflows)
	if v.Workflow != "" && !slices.Contains(p.Workflows, v.Workflow) {
		return nil, &problem.Field{Location: "query.workflow", Message: "no service declares it" + instead(p.Workflows)}
	}
	for _, f := range k.findings {
		if f.Breaks {
			p.Breaks++
		}
	}
	if v.Hop {
		if p.Hop = k.hop(v); p.Hop == nil {
			return nil, &problem.Missing{Message: "no event takes " + words.Clip(v.Topic) + " to " + words.Clip(nobody(v.To)) + ", and no service declares it"}
		}
	} else {
		p.Summary = k.summary(v)
	}
	p.Rows = k.rows(v)
	svg := k.layout.SVG(topology.Look{
		Workflow: v.Workflow, Said: k.said, Topic: v.Topic,
		Service: func(name string) string { return "/services#service-" + url.PathEscape(name) },
		Hop:     func(topic, to string) string { return v.At(topic, to).URL() },
	})
	p.Drawing = template.HTML(svg) //nolint:gosec // topology has escaped what isn't its own
	return p, nil
}

func instead(workflows []string) string {
	if len(workflows) == 0 {
		return ", and no other one yet"
	}
	return "; there are " + words.Listed(workflows)
}

func nobody(service string) string {
	if service == "" {
		return "nobody"
	}
	return service
}

// Verdict says whether the loops are closed.
func (p *page) Verdict() string {
	switch {
	case p.Breaks == 0:
		return "Every branch returns to its initiator"
	case slices.ContainsFunc(p.Findings, func(f topology.Finding) bool { return f.Kind == topology.NoReturn }):
		return "Not every branch returns to its initiator"
	}
	return words.Capital(words.NumberWord(p.Breaks)) + " " + strings.TrimLeft(words.Plural(p.Breaks, "thing"), "0123456789, ") + " to look at"
}

// lag is how many events of a topic a service hasn't read; "–" if nobody knows.
func (k *known) lag(topic, service string) string {
	for _, s := range k.services {
		if s.Name != service {
			continue
		}
		for _, l := range s.Topics {
			if l.Topic == topic {
				return words.Thousands(l.Lag)
			}
		}
	}
	return "–"
}

func lasted(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return words.Lasted(d)
}
