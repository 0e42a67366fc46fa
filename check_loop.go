package skald

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/wire"
)

// checkLoop follows a workflow from its beginning. From every topic that a saga can reach, it must be able to come home; and a
// saga has one token, so one service takes each topic. A topic that none of the given services consumes leads out of
// sight and is left to whoever sees all services.
func checkLoop(services []*Service, initiator *Service, begin *step) error {
	w := begin.workflow
	g := loop{services: services, workflow: w, path: map[string]string{w.start.name: w.start.name}}
	g.reach(w.start.name, begin.nextOf(w.name))
	var errs []error
	for _, topic := range g.order {
		takers := g.takers(topic)
		if len(takers) > 1 {
			errs = append(errs, fmt.Errorf("workflow %q: topic %q is taken by %s, which would double the saga's token: let one take it and the others skald.Watch it",
				w.name, topic, strings.Join(serviceNames(services, topic), " and ")))
		}
		if !g.comesHome(topic, nil) {
			errs = append(errs, fmt.Errorf("workflow %q never returns to its initiator %q: the branch %s doesn't lead to %q, so give its last step that successor",
				w.name, initiator.name, g.path[topic], w.end.name))
		}
	}
	return errors.Join(errs...)
}

type loop struct {
	services []*Service
	workflow workflowInfo
	order    []string          // topics reached, in order of discovery, without the end
	path     map[string]string // how each was reached
}

func (g *loop) reach(from string, next []topicInfo) {
	for _, t := range next {
		if _, seen := g.path[t.name]; seen || t.name == g.workflow.end.name {
			continue
		}
		g.order = append(g.order, t.name)
		g.path[t.name] = g.path[from] + " -> " + t.name
		for _, st := range g.takers(t.name) {
			g.reach(t.name, st.nextOf(g.workflow.name))
		}
	}
}

// comesHome says whether the end can be reached from topic, not counting ways through the topics in behind.
func (g *loop) comesHome(topic string, behind []string) bool {
	takers := g.takers(topic)
	if topic == g.workflow.end.name || len(takers) == 0 {
		return true
	}
	behind = append(slices.Clip(behind), topic)
	for _, st := range takers {
		for _, n := range st.nextOf(g.workflow.name) {
			if !slices.Contains(behind, n.name) && g.comesHome(n.name, behind) {
				return true
			}
		}
	}
	return false
}

// takers gives the steps that take the token on; a Watch only reads along.
func (g *loop) takers(topic string) []*step {
	var all []*step
	for _, s := range g.services {
		for _, st := range s.steps {
			if st.in.name == topic && st.role != wire.RoleWatch {
				all = append(all, st)
			}
		}
	}
	return all
}

func serviceNames(services []*Service, topic string) []string {
	var names []string
	for _, s := range services {
		for _, st := range s.steps {
			if st.in.name == topic && st.role != wire.RoleWatch {
				names = append(names, s.name)
			}
		}
	}
	return names
}

func (st *step) nextOf(workflow string) []topicInfo {
	for _, f := range st.nextFor {
		if f.workflow.name == workflow {
			return []topicInfo{f.topic}
		}
	}
	return st.next
}
