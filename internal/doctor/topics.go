package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/kafka"
)

// ours are the topics of the namespace that sagas touch, by their full names: those that services declare and those that the
// caller wants, with the partition count that it wants or 0.
func (p *patient) ours() map[string]int32 {
	ours := map[string]int32{}
	for _, s := range p.services {
		for _, topic := range s.coPartitioned() {
			ours[p.namespace.Topic(topic)] = 0
		}
	}
	for _, spec := range p.Topics {
		ours[spec.Name] = spec.Partitions
	}
	return ours
}

// examineTopics looks for topics that are missing, and for partition counts that differ: a saga has the same partition number in
// all topics, so they need the same numbers.
func (p *patient) examineTopics(ctx context.Context) ([]Finding, error) {
	ours := p.ours()
	if len(ours) == 0 {
		return []Finding{{Severity: OK, Text: "no topics are known to be needed"}}, nil
	}
	var missing []string
	byCount := map[int32][]string{}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if !p.topics.Has(name) {
			missing = append(missing, name)
			continue
		}
		if wanted := ours[name]; wanted == 0 { // one that the caller wants otherwise may be exempt from the rule
			n := int32(len(p.topics[name].Partitions))
			byCount[n] = append(byCount[n], name)
		}
	}
	usual := p.usualCount(byCount)
	findings := p.otherThanWanted()
	missing, hidden := p.absent(ctx, missing...)
	if len(missing) > 0 {
		findings = append(findings, p.missing(missing, ours, usual))
	}
	if hidden != nil {
		return findings, hidden
	}
	spans, err := p.spans(ctx, slices.Concat(slices.Collect(maps.Values(byCount))...)...)
	if err != nil {
		return findings, err
	}
	for _, n := range slices.Sorted(maps.Keys(byCount)) {
		if n == usual {
			continue
		}
		for _, name := range byCount[n] {
			written := false
			for _, s := range spans[name] {
				written = written || s.end > 0
			}
			findings = append(findings, p.unequal(name, n, usual, len(byCount[usual]), written))
		}
	}
	if len(findings) == 0 {
		text := count(len(ours), "topic")
		if usual > 0 {
			text += fmt.Sprintf(", of %s each unless wanted otherwise", count(usual, "partition"))
		}
		findings = append(findings, Finding{Severity: OK, Text: text})
	}
	return findings, nil
}

// usualCount is the partition count that most topics have; of two that as many have, the larger one.
func (p *patient) usualCount(byCount map[int32][]string) int32 {
	var usual int32
	for n, names := range byCount {
		if c := cmp.Compare(len(names), len(byCount[usual])); c > 0 || c == 0 && n > usual {
			usual = n
		}
	}
	return usual
}

func (p *patient) otherThanWanted() []Finding {
	var findings []Finding
	for _, spec := range p.Topics {
		topic, ok := p.topics[spec.Name]
		if have := int32(len(topic.Partitions)); ok && spec.Partitions > 0 && have != spec.Partitions {
			e := &kafka.PartitionCountError{Topic: spec.Name, Have: have, Want: spec.Partitions}
			findings = append(findings, Finding{Severity: Problem, Text: e.Error(), Fix: p.deleteTopic(spec.Name)})
		}
	}
	return findings
}

func (p *patient) missing(names []string, ours map[string]int32, usual int32) Finding {
	specs := make([]kafka.TopicSpec, 0, len(names))
	for _, name := range names {
		spec := kafka.TopicSpec{Name: name, Partitions: cmp.Or(ours[name], usual, 1)}
		for _, wanted := range p.Topics {
			if wanted.Name == name {
				spec.Configs = wanted.Configs
			}
		}
		specs = append(specs, spec)
	}
	return Finding{
		Severity: Problem,
		Text:     fmt.Sprintf("%s missing: %s", count(len(names), "topic"), strings.Join(names, ", ")),
		Fix:      "start the services that need them, if they may create topics; else: " + strings.Join(p.Connection.TopicCommands(specs), " && "),
	}
}

func (p *patient) unequal(name string, n, usual int32, others int, written bool) Finding {
	f := Finding{
		Severity: Problem,
		Text:     fmt.Sprintf("topic %q has %s, but %s of this namespace have %d: sagas get lost in the difference", name, count(n, "partition"), count(others, "other topic"), usual),
		Fix:      "Kafka can't move records or take partitions away: use another prefix, or, if nothing in it is needed any more, " + p.deleteTopic(name) + " and start the services anew",
	}
	if n < usual && !written {
		f.Fix = "nothing was ever written to it, so it can grow: " +
			p.Connection.Command("kafka-topics.sh", "--alter", "--topic", kafka.Quote(name), "--partitions", strconv.Itoa(int(usual)))
	}
	return f
}

func (p *patient) deleteTopic(name string) string {
	return p.Connection.Command("kafka-topics.sh", "--delete", "--topic", kafka.Quote(name))
}
