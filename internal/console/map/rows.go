package chart

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// row is one line of the table: a way, of one workflow if it has been seen there.
type row struct {
	From, Topic, To string
	URL             string
	Chosen, Dim     bool
	Undo            bool
	Workflow        string
	Rate, Lag       string
	P50, P99, Usual string
	Spark           template.HTML
	Stuck           int64
	Undeclared      bool
	Note            string
	rank            [2]int
}

// rows are the ways, those of the chosen workflow first and in the order in which a saga takes them.
func (k *known) rows(v view) []row {
	far := map[string]map[string]int{}
	for _, w := range k.graph.Workflows {
		far[w.Name] = k.graph.Distances(w.Name)
	}
	var rows []row
	for _, w := range k.graph.Ways {
		r := row{From: w.From, Topic: w.Topic, To: w.To, URL: v.At(w.Topic, w.To).URL(), Undeclared: !w.Declared, Note: notes[w.Role], Lag: k.lag(w.Topic, w.To)}
		r.Chosen = v.Hop && v.Topic == w.Topic && v.To == w.To
		seen := map[string]bool{}
		for _, h := range w.Traffic {
			seen[h.Workflow] = true
			one := r
			one.traffic(h)
			one.place(v, h.Workflow, far, k.graph)
			rows = append(rows, one)
		}
		for _, name := range w.Workflows {
			if !seen[name] {
				one := r
				one.traffic(tracker.Hop{Workflow: name})
				one.place(v, name, far, k.graph)
				rows = append(rows, one)
			}
		}
		if len(w.Workflows) == 0 && len(w.Traffic) == 0 {
			r.traffic(tracker.Hop{})
			if w.Role == topology.Watch {
				r.Rate = "–" // what is read along isn't counted a second time
			}
			r.place(v, "", far, k.graph)
			rows = append(rows, r)
		}
	}
	for _, h := range k.graph.Undos {
		r := row{From: h.From, Topic: h.Topic, To: h.To, Undo: true, Lag: "–", Note: "undoes what " + h.To + " did"}
		r.traffic(h)
		r.place(v, h.Workflow, far, k.graph)
		r.rank[1] += 2000
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.rank[0], b.rank[0]), cmp.Compare(a.rank[1], b.rank[1]), strings.Compare(a.Topic, b.Topic))
	})
	return rows
}

var notes = map[string]string{topology.Start: "begins the saga", topology.End: "ends the saga", topology.Watch: "reads along", topology.Open: "", topology.Step: ""}

func (r *row) traffic(h tracker.Hop) {
	r.Workflow, r.Rate, r.Stuck = h.Workflow, topology.Rate(h.Rate), h.Stuck
	if r.Workflow == "" {
		r.Workflow = "none"
	}
	if h.Rate > 0 && h.Rate < 1.0/60 {
		r.Rate = words.Thousands(h.Events) + " in all"
	}
	r.P50, r.P99, r.Usual = lasted(h.P50), lasted(h.P99), lasted(h.UsualP99)
	class, values := "", []float64{}
	if slow(h) || h.Stuck > 0 {
		class = "high"
	}
	timed := slices.ContainsFunc(h.Minutes, func(m tracker.HopMinute) bool { return m.P99 > 0 })
	for _, m := range h.Minutes {
		if timed {
			values = append(values, m.P99.Seconds())
		} else {
			values = append(values, float64(m.Events))
		}
	}
	if len(values) > 0 {
		r.Spark = draw.Spark{Log: timed, Lines: []draw.Line{{Class: class, Values: values}}}.HTML()
	}
}

// place ranks a row: the chosen workflow first, then the others, what is outside of all last; within one by how far the saga has come.
func (r *row) place(v view, workflow string, far map[string]map[string]int, g *topology.Graph) {
	r.Dim = v.Workflow != "" && workflow != v.Workflow
	i := slices.IndexFunc(g.Workflows, func(w topology.Workflow) bool { return w.Name == workflow })
	switch {
	case i < 0:
		r.rank[0] = len(g.Workflows) + 1
	case workflow != v.Workflow:
		r.rank[0] = i + 1
	}
	if distance, ok := far[workflow][r.From]; ok {
		r.rank[1] = 1 + distance
	}
}
