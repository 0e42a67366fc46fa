package topology

import (
	"cmp"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Build makes the graph of what services declare and of the ways that events took.
func Build(declared []tracker.Declaration, hops []tracker.Hop) *Graph {
	b := builder{Graph: &Graph{readers: map[string][]reader{}}, services: map[string]*Service{}, topics: map[string]*Topic{}, ways: map[[3]string]*Way{}}
	declared = slices.SortedFunc(slices.Values(declared), func(a, b tracker.Declaration) int { return strings.Compare(a.Service, b.Service) })
	for _, d := range declared {
		b.declare(d)
	}
	slices.SortStableFunc(b.Workflows, func(a, b Workflow) int { return strings.Compare(a.Name, b.Name) })
	for _, w := range b.Workflows {
		b.workflow(w)
	}
	for _, d := range declared {
		for _, s := range d.Steps {
			b.unreached(d.Service, s)
		}
	}
	for _, d := range declared {
		for _, s := range d.Steps {
			if s.Role == wire.RoleWatch {
				b.watch(d.Service, s.Topic)
			}
		}
	}
	for _, h := range hops {
		b.traffic(h)
	}
	return b.finish()
}

type builder struct {
	*Graph
	services map[string]*Service
	topics   map[string]*Topic
	ways     map[[3]string]*Way
}

func (b *builder) declare(d tracker.Declaration) {
	s := b.service(d.Service)
	s.Declared = true
	for _, step := range d.Steps {
		b.readers[step.Topic] = append(b.readers[step.Topic], reader{d.Service, step})
		b.topic(step.Topic)
		switch step.Role {
		case wire.RoleBegin:
			s.Begins = add(s.Begins, step.Workflow)
			b.Workflows = append(b.Workflows, Workflow{step.Workflow, d.Service, step.Topic, step.EndTopic})
			t := b.topic(step.Topic)
			t.Starts = add(t.Starts, step.Workflow)
		case wire.RoleEnd:
			t := b.topic(step.Topic)
			t.Ends = add(t.Ends, step.Workflow)
		case wire.RoleWatch:
			s.Watches = add(s.Watches, step.Topic)
		}
	}
}

// workflow adds the ways that sagas of one can take.
func (b *builder) workflow(w Workflow) {
	b.way("", w.Start, w.Initiator, Start, w.Name)
	found := b.walkOf(w)
	for _, at := range found.order {
		serves := b.service(at.service)
		serves.Serves = add(serves.Serves, w.Name)
		for _, l := range found.next[at] {
			role := Step
			switch {
			case l.to.service == "":
				role = Open
			case l.home:
				role = End
			}
			b.way(at.service, l.topic, l.to.service, role, w.Name)
		}
	}
}

// unreached adds what a step declares and no workflow has shown.
func (b *builder) unreached(service string, s tracker.DeclaredStep) {
	send := slices.Concat(s.Next, s.Emits)
	for _, topic := range s.NextFor {
		send = append(send, topic)
	}
	slices.Sort(send)
	for _, topic := range slices.Compact(send) {
		known := false
		for key := range b.ways {
			known = known || key[0] == service && key[1] == topic
		}
		if known {
			continue
		}
		takers := b.takers(topic, "")
		for _, taker := range takers {
			b.way(service, topic, taker.service, Step, "")
		}
		if len(takers) == 0 {
			b.way(service, topic, "", Open, "")
		}
	}
}

// watch adds a reader outside of the saga to a topic: it gets whatever is written there.
func (b *builder) watch(service, topic string) {
	for _, from := range b.writersOf(topic) {
		delete(b.ways, [3]string{from, topic, ""})
		b.way(from, topic, service, Watch, "")
	}
}

func (b *builder) writersOf(topic string) (all []string) {
	for key := range b.ways {
		if key[1] == topic {
			all = append(all, key[0])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// traffic adds what was seen.
func (b *builder) traffic(h tracker.Hop) {
	if h.Undo {
		b.Undos = append(b.Undos, h)
		return
	}
	w := b.ways[[3]string{h.From, h.Topic, h.To}]
	if w == nil && h.To == "" {
		w = b.readAlong(h)
	}
	if w == nil {
		role := Step
		if h.To == "" {
			role = Open
		}
		w = b.way(h.From, h.Topic, h.To, role, "")
		w.Declared = h.Declared
	}
	if !w.Declared {
		w.Workflows = add(w.Workflows, h.Workflow)
	}
	w.Traffic = append(w.Traffic, h)
}

// readAlong gives a declared way of what the tracker says nobody takes: watchers do, outside of the saga.
func (b *builder) readAlong(h tracker.Hop) (found *Way) {
	for key, w := range b.ways {
		if key[0] == h.From && key[1] == h.Topic && w.Role == Watch && (found == nil || w.To < found.To) {
			found = w
		}
	}
	return found
}

func (b *builder) way(from, topic, to, role, workflow string) *Way {
	key := [3]string{from, topic, to}
	w := b.ways[key]
	if w == nil {
		w = &Way{From: from, Topic: topic, To: to, Role: role, Declared: true}
		b.ways[key] = w
	}
	w.Workflows = add(w.Workflows, workflow)
	t := b.topic(topic)
	t.Workflows = add(t.Workflows, workflow)
	for _, name := range []string{from, to} {
		if name != "" {
			b.service(name)
		}
	}
	return w
}

func (b *builder) service(name string) *Service {
	if b.services[name] == nil {
		b.services[name] = &Service{Name: name}
	}
	return b.services[name]
}

func (b *builder) topic(name string) *Topic {
	if b.topics[name] == nil {
		b.topics[name] = &Topic{Name: name}
	}
	return b.topics[name]
}

func (b *builder) finish() *Graph {
	for _, s := range b.services {
		b.Services = append(b.Services, *s)
	}
	for _, t := range b.topics {
		b.Topics = append(b.Topics, *t)
	}
	for _, w := range b.ways {
		slices.SortStableFunc(w.Traffic, func(a, b tracker.Hop) int { return strings.Compare(a.Workflow, b.Workflow) })
		b.Ways = append(b.Ways, *w)
	}
	slices.SortFunc(b.Services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(b.Topics, func(a, b Topic) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(b.Ways, func(a, b Way) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return b.Graph
}
