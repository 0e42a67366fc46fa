package chart

import (
	"slices"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// summary is what stands beside the map while no hop is chosen.
type summary struct {
	Title, Sentence string
	Begun, Home     string
	Running         int64
	Retrying        int64
	Halted          int64
	Stuck           int64
	Sagas           string // address of those that aren't over
	HaltedAt        string
}

func (k *known) summary(v view) *summary {
	s := &summary{Title: "All workflows", Sagas: sagas("status", "open"), HaltedAt: sagas("status", tracker.Halted)}
	if w := k.graph.Workflow(v.Workflow); w != nil {
		s.Title, s.Sagas = w.Name, sagas("status", "open", "workflow", w.Name)
		s.HaltedAt = sagas("status", tracker.Halted, "workflow", w.Name)
		s.Sentence = words.Capital(w.Initiator) + " begins it with " + w.Start + ", and " + w.End + " brings it home."
		if slices.ContainsFunc(k.findings, func(f topology.Finding) bool { return f.Kind == topology.NoReturn && f.Workflow == w.Name }) {
			s.Sentence = words.Capital(w.Initiator) + " begins it with " + w.Start + ". Not every branch of it comes home."
		}
	} else {
		s.Sentence = words.Capital(words.NumberWord(len(k.graph.Services))) + plural(len(k.graph.Services), " service is", " services are") + " chained by " +
			words.NumberWord(len(k.graph.Topics)) + plural(len(k.graph.Topics), " topic.", " topics.")
	}
	begun, home := 0.0, 0.0
	for _, w := range k.graph.Ways {
		for _, h := range w.Traffic {
			if v.Workflow != "" && h.Workflow != v.Workflow {
				continue
			}
			switch w.Role {
			case topology.Start:
				begun += h.Rate
			case topology.End:
				home += h.Rate
			}
			s.Running, s.Retrying, s.Halted, s.Stuck = s.Running+h.Running, s.Retrying+h.Retrying, s.Halted+h.Halted, s.Stuck+h.Stuck
		}
	}
	s.Begun, s.Home = topology.Rate(begun), topology.Rate(home)
	return s
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
