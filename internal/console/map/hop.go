package chart

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// hop is the chosen one: a topic, and a service that reads it. Its numbers are those of all ways that meet here.
type hop struct {
	Topic, To         string
	Flag              string // stuck or undeclared
	Sentence          string
	Spark             template.HTML
	From, Until       time.Time // what the chart is of
	Usual             bool
	Rate, Lag         string
	Running           int64
	Retrying, Halted  int64
	Stuck             int64
	Here, RetryingAt  string // addresses of the sagas
	HaltedAt, StuckAt string
	Shares            template.HTML
	By                []share
	Slowest           bool // of several ways
	WorstP99, WorstTo string
}

// share is what one workflow has of a hop.
type share struct{ Workflow, Percent, P99 string }

func (k *known) hop(v view) *hop {
	var ways []topology.Way
	var hops []tracker.Hop
	for _, w := range k.graph.Ways {
		if w.Topic == v.Topic && w.To == v.To {
			ways = append(ways, w)
			hops = append(hops, w.Traffic...)
		}
	}
	if len(ways) == 0 {
		return nil
	}
	x := &hop{Topic: v.Topic, To: v.To, Lag: k.lag(v.Topic, v.To)}
	rate := 0.0
	for _, h := range hops {
		rate += h.Rate
		x.Running, x.Retrying, x.Halted, x.Stuck = x.Running+h.Running, x.Retrying+h.Retrying, x.Halted+h.Halted, x.Stuck+h.Stuck
	}
	x.Rate = topology.Rate(rate)
	if x.Stuck > 0 {
		x.Flag = "stuck"
	}
	if !slices.ContainsFunc(ways, func(w topology.Way) bool { return w.Declared }) {
		x.Flag = "undeclared"
	}
	worst := slowest(hops)
	x.Sentence = x.sentence(ways, worst, v)
	x.chart(hops, worst)
	x.byWorkflow(hops, rate)
	at := func(name, value string) string { return sagas("service", v.To, "topic", v.Topic, name, value) }
	x.Here, x.RetryingAt, x.HaltedAt, x.StuckAt = at("status", tracker.Running), at("status", tracker.Retrying), at("status", tracker.Halted), at("stuck", "true")
	return x
}

func sagas(pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return "/sagas?" + query.Encode()
}

// slowest is the one with the greatest p99: percentiles of several can't be added up.
func slowest(hops []tracker.Hop) (worst tracker.Hop) {
	for _, h := range hops {
		if h.P99 > worst.P99 {
			worst = h
		}
	}
	return worst
}

func (x *hop) sentence(ways []topology.Way, worst tracker.Hop, v view) string {
	var said string
	usually := ""
	if worst.UsualP99 > 0 {
		usually = "; usually " + words.Lasted(worst.UsualP99)
	}
	switch {
	case x.Flag == "undeclared" && x.To == "":
		return writers(ways) + " to " + x.Topic + ", and nobody has declared to read it."
	case x.Flag == "undeclared":
		return writers(ways) + " to " + x.Topic + ", and nobody has declared that."
	case x.To == "":
		return "No service reads " + x.Topic + "."
	case ways[0].Role == topology.Watch:
		return x.To + " reads along, outside of the saga."
	case x.Stuck == 1:
		said = "One saga is stuck here. "
	case x.Stuck > 1:
		said = words.Capital(words.NumberWord(x.Stuck)) + " sagas are stuck here. "
	}
	switch {
	case worst.P99 > 0:
		return said + "This hop takes " + words.Lasted(worst.P99) + usually + "."
	case said != "":
		return strings.TrimSpace(said)
	}
	return "No event was handled here in the last " + v.Window.Title + "."
}

func writers(ways []topology.Way) string {
	var from []string
	for _, w := range ways {
		if w.From == "" {
			from = append(from, "someone from outside")
		} else {
			from = append(from, w.From)
		}
	}
	verb := " sends"
	if len(from) > 1 {
		verb = " send"
	}
	return words.Capital(words.Listed(from)) + verb
}

// chart draws p99 and p50 by the minute: of the slowest if several ways meet here.
func (x *hop) chart(hops []tracker.Hop, worst tracker.Hop) {
	p50, p99 := make([]float64, 60), make([]float64, 60)
	for i := range p50 {
		p50[i], p99[i] = draw.Unknown, draw.Unknown
	}
	seen := false
	for _, h := range hops {
		for i, m := range h.Minutes {
			if i >= len(p99) || m.P99 <= 0 {
				continue
			}
			if seen = true; !(p99[i] >= m.P99.Seconds()) {
				p50[i], p99[i] = m.P50.Seconds(), m.P99.Seconds()
			}
		}
		if n := len(h.Minutes); n > 0 {
			x.From, x.Until = h.Minutes[0].Start, h.Minutes[n-1].Start.Add(time.Minute)
		}
	}
	if !seen {
		return
	}
	class := ""
	if slow(worst) || x.Stuck > 0 {
		class = "high"
	}
	x.Usual, x.Slowest = worst.UsualP99 > 0, len(hops) > 1
	x.Spark = draw.Spark{
		Width: 284, Height: 64, Log: true, Usual: worst.UsualP99.Seconds(), Lines: []draw.Line{{Values: p50}, {Class: class, Values: p99}},
		Label: fmt.Sprintf("Time on this hop in the last 60 minutes, on a logarithmic scale: p99 now %s, p50 %s", lasted(worst.P99), lasted(worst.P50)),
	}.HTML()
}

// slow is a hop that takes much longer than it used to.
func slow(h tracker.Hop) bool { return h.UsualP99 > 0 && h.P99 > 3*h.UsualP99 }

func (x *hop) byWorkflow(hops []tracker.Hop, rate float64) {
	rates, p99 := map[string]float64{}, map[string]time.Duration{}
	var names []string
	for _, h := range hops {
		if h.Workflow == "" {
			continue
		}
		if _, ok := rates[h.Workflow]; !ok {
			names = append(names, h.Workflow)
		}
		rates[h.Workflow] += h.Rate
		p99[h.Workflow] = max(p99[h.Workflow], h.P99)
	}
	if len(names) < 2 || rate == 0 {
		return
	}
	slices.SortFunc(names, func(a, b string) int {
		if rates[a] != rates[b] {
			return int(1e9 * (rates[b] - rates[a]))
		}
		return strings.Compare(a, b)
	})
	parts := make([]draw.Part, 0, len(names))
	for i, name := range names {
		class := "fill-line"
		if i == 0 {
			class = "fill-running"
		}
		parts = append(parts, draw.Part{Class: class, N: rates[name]})
		x.By = append(x.By, share{name, words.Percent(int(100*rates[name]/rate + .5)), lasted(p99[name])})
	}
	x.Shares = draw.Shares("", parts...)
}
