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
		if !g.comesHome(topic, nil) {
			errs = append(errs, fmt.Errorf("workflow %q never returns to its initiator %q: the branch %s doesn't lead to %q, so give its last step that successor",
				w.name, initiator.name, g.path[topic], w.end.name))
		}
	}
	for _, topic := range append([]string{w.start.name, w.end.name}, g.order...) {
		if takers := g.takers(topic); len(takers) > 1 {
			errs = append(errs, fmt.Errorf("workflow %q: topic %q is taken by %s, which would double the saga's token: let one take it and the others skald.Watch it",
				w.name, topic, strings.Join(serviceNames(takers), " and ")))
		}
	}
	if g.back != "" {
		errs = append(errs, fmt.Errorf("workflow %q: the branch %s leads back to its start topic, where a saga that was begun is a duplicate: give its last step another successor",
			w.name, g.back))
	}
	return errors.Join(errs...)
}

type loop struct {
	services []*Service
	workflow workflowInfo
	order    []string          // topics reached, in order of discovery, without the ends
	path     map[string]string // how each was reached
	back     string            // a way back to the start
}

type taker struct {
	service *Service
	step    *step
}

func (g *loop) reach(from string, next []topicInfo) {
	for _, t := range next {
		if t.name == g.workflow.start.name {
			g.back = g.path[from] + " -> " + t.name
		}
		if _, seen := g.path[t.name]; seen || t.name == g.workflow.end.name {
			continue
		}
		g.order = append(g.order, t.name)
		g.path[t.name] = g.path[from] + " -> " + t.name
		for _, by := range g.takers(t.name) {
			g.reach(t.name, by.step.nextOf(g.workflow.name))
		}
	}
}

// comesHome says whether the end can be reached from topic, not counting ways through the topics in behind.
func (g *loop) comesHome(topic string, behind []string) bool {
	takers := g.takers(topic)
	if topic == g.workflow.end.name || len(takers) == 0 && !g.isEndOfAnother(topic) {
		return true
	}
	behind = append(slices.Clip(behind), topic)
	for _, by := range takers {
		for _, n := range by.step.nextOf(g.workflow.name) {
			if !slices.Contains(behind, n.name) && g.comesHome(n.name, behind) {
				return true
			}
		}
	}
	return false
}

// takers gives the steps that take this workflow's token on. A Watch only reads along, and the ends of other workflows pass over
// what isn't theirs.
func (g *loop) takers(topic string) []taker {
	return g.find(topic, func(st *step) bool {
		return st.role == wire.RoleStep || st.role != wire.RoleWatch && st.workflow.name == g.workflow.name
	})
}

// isEndOfAnother says whether a topic is where another workflow starts or ends: what goes there is passed over.
func (g *loop) isEndOfAnother(topic string) bool {
	return len(g.find(topic, func(st *step) bool { return st.role == wire.RoleBegin || st.role == wire.RoleEnd })) > 0
}

func (g *loop) find(topic string, which func(*step) bool) []taker {
	var all []taker
	for _, s := range g.services {
		for _, st := range s.steps {
			if st.in.name == topic && which(st) {
				all = append(all, taker{s, st})
			}
		}
	}
	return all
}

func serviceNames(takers []taker) []string {
	var names []string
	for _, t := range takers {
		names = append(names, t.service.name)
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
