package topology

import "slices"

// place is a step of a walk: a service that has taken an event from a topic.
type place struct{ service, topic string }

// walk is all that sagas of one workflow can do, as far as steps are declared.
type walk struct {
	order    []place          // reached, in order of distance from the beginning
	next     map[place][]leap // where its events go
	distance map[string]int   // of services, in steps from the initiator
}

// leap is one event on its way from a place. Without a place to go to nobody reads it; home says that it ends the saga.
type leap struct {
	topic string
	to    place
	home  bool
}

// walkOf follows a workflow from where it begins along every branch.
func (g *Graph) walkOf(w Workflow) walk {
	found := walk{next: map[place][]leap{}, distance: map[string]int{w.Initiator: 0}}
	first := place{w.Initiator, w.Start}
	found.order = []place{first}
	for i := 0; i < len(found.order); i++ {
		at := found.order[i]
		for _, topic := range g.sends(at, w.Name) {
			takers := g.takers(topic, w.Name)
			if len(takers) == 0 {
				found.next[at] = append(found.next[at], leap{topic: topic})
			}
			for _, taker := range takers {
				to := place{taker.service, topic}
				home := taker.step.Role == End
				found.next[at] = append(found.next[at], leap{topic, to, home})
				if home {
					continue
				}
				if _, ok := found.distance[to.service]; !ok {
					found.distance[to.service] = found.distance[at.service] + 1
				}
				if !slices.Contains(found.order, to) {
					found.order = append(found.order, to)
				}
			}
		}
	}
	return found
}

// sends gives the topics that a place sends a workflow's events to.
func (g *Graph) sends(at place, workflow string) []string {
	for _, r := range g.readers[at.topic] {
		if r.service == at.service {
			return onward(r.step, workflow)
		}
	}
	return nil
}

// homeless gives the places that no way leads home from, in order of the walk.
func (w *walk) homeless() (lost []place) {
	home := map[place]bool{}
	for changed := true; changed; {
		changed = false
		for _, at := range w.order {
			if !home[at] && slices.ContainsFunc(w.next[at], func(l leap) bool { return l.home || home[l.to] }) {
				home[at], changed = true, true
			}
		}
	}
	for _, at := range w.order {
		if !home[at] {
			lost = append(lost, at)
		}
	}
	return lost
}
