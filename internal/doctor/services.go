package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
)

// countedLag is up to which lag of a partition its events are counted by reading them. Offsets alone tell too much: the markers
// of transactions have some too, so that behind the last event of an idle service there still are one or two.
const countedLag = 100

// group is a service's consumer group.
type group struct {
	service string
	members int
	written bool             // whether its topics have records
	waiting map[string]int64 // events that it hasn't taken yet, by topic
}

func (g *group) lag() int64 {
	var sum int64
	for _, n := range g.waiting {
		sum += n
	}
	return sum
}

// examineServices looks for services that nobody runs, and for those that don't keep up.
func (p *patient) examineServices(ctx context.Context) ([]Finding, error) {
	names, err := p.knownServices(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return []Finding{{Severity: OK, Text: "there is no service yet, so nothing waits for one"}}, nil
	}
	var findings []Finding
	for _, name := range names {
		id := p.namespace.Group(name)
		described, err := p.admin.DescribeGroups(ctx, id)
		if err = cmp.Or(err, described[id].Err); err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // nobody ever joined it
			return findings, kafka.About(err, kafka.Group, id)
		}
		g := &group{service: name, members: len(described[id].Members), waiting: map[string]int64{}}
		if err := p.measure(ctx, g); err != nil {
			return findings, fmt.Errorf("group %q: %w", id, err)
		}
		findings = append(findings, p.judge(g))
	}
	return findings, nil
}

// knownServices are those that announced themselves, and those that left a group behind and are silent for longer.
func (p *patient) knownServices(ctx context.Context) ([]string, error) {
	names := map[string]bool{}
	for name := range p.services {
		names[name] = true
	}
	listed, err := p.admin.ListGroups(ctx)
	if err != nil && len(listed) == 0 {
		return nil, err
	}
	for id := range listed {
		if name, ok := strings.CutPrefix(id, p.namespace.Group("")); ok && name != "" {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// inputs are the topics that a service consumes: those that it says, and those of which it has committed offsets. The ledger
// isn't one, though it has offsets in the group: they are fences.
func (p *patient) inputs(g *group, committed kadm.OffsetResponses) []string {
	inputs := map[string]bool{}
	for topic := range committed {
		inputs[topic] = true
	}
	if s := p.services[g.service]; s != nil {
		inputs[p.namespace.Inbox(g.service)] = true
		for _, step := range s.steps {
			inputs[p.namespace.Topic(step.Topic)] = true
		}
	}
	delete(inputs, p.namespace.Ledger(g.service))
	maps.DeleteFunc(inputs, func(topic string, _ bool) bool { return !p.topics.Has(topic) })
	return slices.Sorted(maps.Keys(inputs))
}

func (p *patient) measure(ctx context.Context, g *group) error {
	id := p.namespace.Group(g.service)
	committed, err := p.admin.FetchOffsets(ctx, id)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return kafka.About(err, kafka.Group, id)
	}
	spans, err := p.spans(ctx, p.inputs(g, committed)...)
	if err != nil {
		return err
	}
	short := positions{}
	for topic, partitions := range spans {
		for n, s := range partitions {
			g.written = g.written || s.end > s.start
			next := s.start
			if o, ok := committed.Lookup(topic, n); ok && o.Err == nil {
				next = max(next, o.At)
			}
			switch lag := s.end - next; {
			case lag > countedLag:
				g.waiting[topic] += lag
			case lag > 0:
				short.set(topic, n, next)
			}
		}
	}
	return p.read(ctx, short, func(r *kgo.Record) { g.waiting[r.Topic]++ })
}

func (p *patient) judge(g *group) Finding {
	lag := g.lag()
	start := "start an instance of it: " + p.run(g.service) + " (or your own binary, if it is none of the shipped services)"
	switch {
	case g.members == 0 && lag > 0:
		return Finding{Severity: Problem, Text: fmt.Sprintf("%s: no instance runs, and %s", g.service, g.waits()), Fix: start}
	case g.members == 0 && g.written:
		return Finding{Severity: Warning, Text: g.service + ": no instance runs, though nothing waits for it now", Fix: start}
	case g.members == 0:
		return Finding{Severity: OK, Text: g.service + ": no instance runs, and its topics are empty"}
	case lag > p.MaxLag:
		return Finding{
			Severity: Warning,
			Text:     fmt.Sprintf("%s: %s, and %s", g.service, count(g.members, "member"), g.waits()),
			Fix:      "see what it says in its log; if it just has too much to do, start more instances, at most one per partition: " + p.run(g.service),
		}
	}
	return Finding{Severity: OK, Text: fmt.Sprintf("%s: %s, lag %d", g.service, count(g.members, "member"), lag)}
}

func (g *group) waits() string {
	var where []string
	for _, topic := range slices.Sorted(maps.Keys(g.waiting)) {
		where = append(where, fmt.Sprintf("%d in %s", g.waiting[topic], topic))
	}
	verb := "wait"
	if g.lag() == 1 {
		verb = "waits"
	}
	return fmt.Sprintf("%s %s (%s)", count(g.lag(), "event"), verb, strings.Join(where, ", "))
}
