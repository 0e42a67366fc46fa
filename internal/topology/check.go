package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Kinds of findings.
const (
	NoReturn   = "no-return"  // a branch doesn't come home to its initiator
	Undeclared = "undeclared" // events went a way that nobody has declared
	Initiators = "initiators" // two services begin one workflow
	Forked     = "forked"     // two services take the same events of a saga as theirs
	Schema     = "old-schema" // a service knows only an older version of what another one writes
	Unread     = "unread"     // nobody reads what is written
	Unwritten  = "unwritten"  // nobody writes what is read
	Unreached  = "unreached"  // no workflow leads to a step
)

// Finding is something about the graph that someone should look at.
type Finding struct {
	Kind                     string
	Breaks                   bool // sagas don't come home by it, or the map isn't true; else it's a remark
	Workflow, Service, Topic string
	Text                     string // a sentence
}

// Check looks for what is wrong, what breaks first, else by kind, workflow, service and topic.
func (g *Graph) Check() []Finding {
	var all []Finding
	for _, w := range g.Workflows {
		all = append(all, g.checkWorkflow(w)...)
	}
	for _, w := range g.Ways {
		all = append(all, g.checkWay(w)...)
	}
	for topic, readers := range g.readers {
		for _, r := range readers {
			all = append(all, g.checkReader(topic, r)...)
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		breaks := 0
		if a.Breaks != b.Breaks {
			breaks = 1
			if a.Breaks {
				breaks = -1
			}
		}
		return cmp.Or(breaks, strings.Compare(a.Kind, b.Kind), strings.Compare(a.Workflow, b.Workflow),
			strings.Compare(a.Service, b.Service), strings.Compare(a.Topic, b.Topic), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(all)
}

func (g *Graph) checkWorkflow(w Workflow) (all []Finding) {
	find := func(kind, service, topic, format string, args ...any) {
		all = append(all, Finding{kind, true, w.Name, service, topic, fmt.Sprintf(format, args...)})
	}
	for _, other := range g.Workflows {
		if other.Name == w.Name && other.Initiator < w.Initiator {
			find(Initiators, w.Initiator, w.Start, "Both %s and %s begin %s: one service must begin and end it.", other.Initiator, w.Initiator, w.Name)
		}
	}
	ends := slices.ContainsFunc(g.readers[w.End], func(r reader) bool {
		return r.service == w.Initiator && r.step.Role == End && r.step.Workflow == w.Name
	})
	if !ends {
		find(NoReturn, w.Initiator, w.End, "%s begins %s and doesn't end it: it declares no End for %s.", w.Initiator, w.Name, w.End)
	}
	found := g.walkOf(w)
	for _, at := range found.order {
		next := found.next[at]
		if len(next) == 0 {
			find(NoReturn, at.service, at.topic, "%s takes %s of %s and sends nothing on: the saga doesn't return to %s.", at.service, at.topic, w.Name, w.Initiator)
		}
		takers := map[string][]string{}
		for _, l := range next {
			takers[l.topic] = add(takers[l.topic], l.to.service)
			switch {
			case l.to.service == "" && (l.topic != w.End || ends):
				find(NoReturn, at.service, l.topic, "%s sends %s to %s, which no service takes it from: the saga doesn't return to %s.", at.service, w.Name, l.topic, w.Initiator)
			case l.home && l.to.service != w.Initiator:
				find(NoReturn, at.service, l.topic, "%s ends %s, which %s began: the saga doesn't return to its initiator.", l.to.service, w.Name, w.Initiator)
			}
		}
		for topic, services := range takers {
			if len(services) > 1 {
				find(Forked, at.service, topic, "%s all take %s of %s: the saga would go on twice.", listed(services), topic, w.Name)
			}
		}
	}
	return append(all, g.circles(w, found)...)
}

// circles finds where a saga only goes round: nothing there leads home, and nothing there is an end either.
func (g *Graph) circles(w Workflow, found walk) (all []Finding) {
	lost := found.homeless()
	stuck := map[place]bool{} // leads to an end that is a finding already
	for changed := true; changed; {
		changed = false
		for _, at := range lost {
			dead := len(found.next[at]) == 0 || slices.ContainsFunc(found.next[at], func(l leap) bool { return l.to.service == "" || stuck[l.to] })
			if dead && !stuck[at] {
				stuck[at], changed = true, true
			}
		}
	}
	for _, at := range lost {
		if !stuck[at] && at.service != "" {
			return []Finding{{NoReturn, true, w.Name, at.service, at.topic, fmt.Sprintf(
				"From %s on %s only goes round in circles: no branch there leads to %s, so the saga doesn't return to %s.", at.topic, w.Name, w.End, w.Initiator)}}
		}
	}
	return nil
}

func (g *Graph) checkWay(w Way) (all []Finding) {
	from := cmp.Or(w.From, "Someone from outside")
	switch {
	case !w.Declared && w.To == "":
		all = append(all, Finding{Undeclared, true, "", w.From, w.Topic, fmt.Sprintf("%s sends to %s, and nobody has declared to read it.", from, w.Topic)})
	case !w.Declared:
		all = append(all, Finding{Undeclared, true, "", w.From, w.Topic, fmt.Sprintf("%s sends to %s, which %s takes: that isn't declared.", from, w.Topic, w.To)})
	case w.To == "" && len(w.Workflows) == 0:
		all = append(all, Finding{Unread, false, "", w.From, w.Topic, fmt.Sprintf("%s writes %s, and no service reads it.", from, w.Topic)})
	}
	written, read := g.schemas(w)
	if written > read && read > 0 {
		all = append(all, Finding{Schema, true, "", w.To, w.Topic, fmt.Sprintf(
			"%s writes version %d of %s, %s knows version %d: such events become dead letters. Roll %s out.", w.From, written, w.Topic, w.To, read, w.To)})
	}
	return all
}

// schemas gives the version that a way's writer writes and that its reader knows, 0 for unknown.
func (g *Graph) schemas(w Way) (written, read int) {
	for _, readers := range g.readers {
		for _, r := range readers {
			if r.service == w.From && len(r.step.Next) == 1 && r.step.Next[0] == w.Topic {
				written = max(written, version(r.step.OutputSchema))
			}
		}
	}
	for _, r := range g.readers[w.Topic] {
		if r.service == w.To {
			read = version(r.step.InputSchema)
		}
	}
	return written, read
}

func version(uri string) int {
	_, after, _ := strings.Cut(uri, "urn:skald:schema:")
	n, err := strconv.Atoi(after[strings.LastIndexByte(after, ':')+1:])
	if err != nil {
		return 0 // none of Skald's
	}
	return n
}

// checkReader finds steps that nothing comes to.
func (g *Graph) checkReader(topic string, r reader) []Finding {
	written := slices.ContainsFunc(g.Ways, func(w Way) bool { return w.Topic == topic })
	reached := slices.ContainsFunc(g.Ways, func(w Way) bool { return w.Topic == topic && w.To == r.service && len(w.Workflows) > 0 })
	switch {
	case r.step.Role == wire.RoleBegin:
		return nil
	case !written:
		return []Finding{{Unwritten, false, r.step.Workflow, r.service, topic, fmt.Sprintf("%s reads %s, which no service writes.", r.service, topic)}}
	case !reached && (r.step.Role == Step || r.step.Role == tracker.RoleRoute):
		return []Finding{{Unreached, false, "", r.service, topic, fmt.Sprintf("No workflow leads to the step of %s on %s.", r.service, topic)}}
	}
	return nil
}

func listed(names []string) string {
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
