package topology

import (
	"slices"

	"github.com/skald-saga/skald/internal/tracker"
)

// Graph is all that is known. Everything in it is sorted by name.
type Graph struct {
	Workflows []Workflow
	Services  []Service
	Topics    []Topic
	Ways      []Way         // by topic, then From, then To
	Undos     []tracker.Hop // tokens on their way back, which lie in inboxes and aren't drawn
	readers   map[string][]reader
}

// Workflow is a name and its two ends.
type Workflow struct {
	Name, Initiator, Start, End string
}

// Service is a node of the graph.
type Service struct {
	Name     string
	Begins   []string // workflows that it begins
	Serves   []string // workflows that reach a step of it, those that it begins included
	Watches  []string // topics that it reads outside of any saga
	Declared bool     // it has announced itself; else it is known by its events alone
}

// Topic is what events lie in between services.
type Topic struct {
	Name      string
	Workflows []string // whose events pass through it
	Starts    []string // workflows that begin here
	Ends      []string // workflows that end here
}

// Roles of a way: how its To reads the topic.
const (
	Start = "start" // it begins a saga
	Step  = "step"
	End   = "end"   // it ends a saga
	Watch = "watch" // it reads along, outside of the saga
	Open  = "open"  // nobody that is known reads it
)

// Way is what an event takes from one service to the next.
type Way struct {
	From, Topic, To string // From is "" for who starts sagas; To is "" if nobody reads the topic
	Role            string
	Workflows       []string // none: outside of any saga, or not reached by any
	Declared        bool
	Traffic         []tracker.Hop // by workflow
}

// reader is a step of a service.
type reader struct {
	service string
	step    tracker.DeclaredStep
}

// Takes says whether one of a workflow's events goes this way.
func (w *Way) Takes(workflow string) bool { return slices.Contains(w.Workflows, workflow) }

// Shows says whether a way belongs into the picture of one workflow alone: its own, and what reads along. "" is all.
func (g *Graph) Shows(workflow string, w Way) bool {
	if workflow == "" || w.Takes(workflow) {
		return true
	}
	return len(w.Workflows) == 0 && slices.ContainsFunc(g.Topics, func(t Topic) bool { return t.Name == w.Topic && slices.Contains(t.Workflows, workflow) })
}

// Writers of a topic, without who starts sagas.
func (g *Graph) Writers(topic string) (all []string) {
	for _, w := range g.Ways {
		if w.Topic == topic && w.From != "" && !slices.Contains(all, w.From) {
			all = append(all, w.From)
		}
	}
	return all
}

// Service gives the one with the name; nil if there is none.
func (g *Graph) Service(name string) *Service {
	for i := range g.Services {
		if g.Services[i].Name == name {
			return &g.Services[i]
		}
	}
	return nil
}

// Workflow gives the one with the name; nil if there is none.
func (g *Graph) Workflow(name string) *Workflow {
	for i := range g.Workflows {
		if g.Workflows[i].Name == name {
			return &g.Workflows[i]
		}
	}
	return nil
}

// Distances tells how many steps each service is from where a workflow begins.
func (g *Graph) Distances(workflow string) map[string]int {
	if w := g.Workflow(workflow); w != nil {
		return g.walkOf(*w).distance
	}
	return nil
}

// takers says who takes a workflow's events from a topic: the service that ends the workflow there, else those with a step that takes any.
func (g *Graph) takers(topic, workflow string) (all []reader) {
	for _, r := range g.readers[topic] {
		if r.step.Role == End && r.step.Workflow == workflow {
			return []reader{r}
		}
	}
	for _, r := range g.readers[topic] {
		if r.step.Role == Step || r.step.Role == tracker.RoleRoute {
			all = append(all, r)
		}
	}
	return all
}

// onward gives the topics that a step sends a workflow's events to.
func onward(s tracker.DeclaredStep, workflow string) []string {
	if topic, ok := s.NextFor[workflow]; ok {
		return []string{topic}
	}
	return s.Next
}

func add(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	list = append(list, s)
	slices.Sort(list)
	return list
}
