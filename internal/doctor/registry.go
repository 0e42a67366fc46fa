package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// registryTail is how many of the newest announcements are read: those of eight instances in some ten hours.
const registryTail = 100_000

// service is what its instances say of it.
type service struct {
	name      string
	steps     []wire.Step // by the newest announcement
	newest    time.Time
	instances map[string]*instance
}

type instance struct {
	last wire.Announcement

	// ahead is how far its clock was ahead of the broker's with each of the last heartbeats, less the time that it took to
	// get there. Only where the broker stamps what comes in.
	ahead []time.Duration
}

// runs says whether the instance is there, by its own clock's last heartbeat and ours.
func (i *instance) runs(now time.Time) bool {
	const missed = 3
	return !i.last.Stopped && now.Sub(i.last.Time) < missed*time.Duration(i.last.Every)*time.Millisecond
}

func (s *service) running(now time.Time) int {
	n := 0
	for _, i := range s.instances {
		if i.runs(now) {
			n++
		}
	}
	return n
}

// coPartitioned are the topics, without prefix, in which a saga has to have the same partition number.
func (s *service) coPartitioned() []string {
	topics := []string{wire.Namespace("").Inbox(s.name), wire.Namespace("").Ledger(s.name), wire.Namespace("").Outcomes(), wire.Namespace("").Cancel()}
	for _, step := range s.steps {
		topics = append(topics, step.Topic)
		topics = append(topics, step.Next...)
		for _, next := range step.NextFor {
			topics = append(topics, next.Topic)
		}
		if step.EndTopic != "" {
			topics = append(topics, step.EndTopic)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// examineRegistry learns which services there are, from what they say themselves.
func (p *patient) examineRegistry(ctx context.Context) ([]Finding, error) {
	p.services = map[string]*service{}
	topics, err := p.admin.ListTopicsWithInternal(ctx)
	if err != nil {
		return nil, err
	}
	p.topics = topics
	registry := p.namespace.Services()
	if _, err := p.absent(ctx, registry); err != nil {
		return nil, err
	}
	if !topics.Has(registry) {
		return []Finding{p.nobody(fmt.Sprintf("there is no topic %q", registry))}, nil
	}
	spans, err := p.spans(ctx, registry)
	if err != nil {
		return nil, err
	}
	from := positions{}
	for id, s := range spans[registry] {
		from.set(registry, id, s.end-registryTail)
	}
	unreadable := 0
	if err := p.read(ctx, from, func(r *kgo.Record) {
		a, err := wire.DecodeAnnouncement(r.Value)
		if err != nil {
			unreadable++
			return
		}
		p.heard(a, r)
	}); err != nil {
		return nil, err
	}
	var findings []Finding
	if unreadable > 0 {
		findings = append(findings, Finding{
			Severity: Warning,
			Text:     fmt.Sprintf("%s in %q can't be read", count(unreadable, "announcement"), registry),
			Fix:      "upgrade this skald, if services are of a newer version; else see who else writes there",
		})
	}
	if len(p.services) == 0 {
		return append(findings, p.nobody(fmt.Sprintf("topic %q is empty", registry))), nil
	}
	said := make([]string, 0, len(p.services))
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		said = append(said, fmt.Sprintf("%s (%d running)", name, p.services[name].running(p.Now())))
	}
	return append(findings, Finding{Severity: OK, Text: "services: " + strings.Join(said, ", ")}), nil
}

// logAppendTime is the type of a timestamp that the broker made.
const logAppendTime = 1

func (p *patient) heard(a wire.Announcement, r *kgo.Record) {
	s := p.services[a.Service]
	if s == nil {
		s = &service{name: a.Service, instances: map[string]*instance{}}
		p.services[a.Service] = s
	}
	if !a.Time.Before(s.newest) {
		s.newest, s.steps = a.Time, a.Steps
	}
	i := s.instances[a.Instance]
	if i == nil {
		i = &instance{}
		s.instances[a.Instance] = i
	}
	i.last = a
	const most = 5
	if r.Attrs.TimestampType() == logAppendTime {
		i.ahead = append(i.ahead[max(0, len(i.ahead)-most+1):], a.Time.Sub(r.Timestamp))
	}
}

// absent gives those of topics that don't exist. A list of all topics leaves out those that the user may not see: asked for by
// name, each of those is an error.
func (p *patient) absent(ctx context.Context, topics ...string) ([]string, error) {
	var absent []string
	var hidden error
	for _, name := range topics {
		asked, err := p.admin.ListTopicsWithInternal(ctx, name)
		switch err = cmp.Or(err, asked[name].Err); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			absent = append(absent, name)
		case err != nil && hidden == nil:
			hidden = kafka.About(err, kafka.Topic, name)
		}
	}
	return absent, hidden
}

func (p *patient) nobody(why string) Finding {
	return Finding{
		Severity: Warning,
		Text:     "no service has announced itself: " + why,
		Fix:      "start one, or check the prefix (here " + fmt.Sprintf("%q", p.Prefix) + "): " + p.run("SERVICE"),
	}
}

// run is the command that starts a service.
func (p *patient) run(service string) string {
	command := "skald run " + service + " --brokers " + strings.Join(p.Connection.Brokers, ",")
	if p.Prefix != "" {
		command += " --prefix " + p.Prefix
	}
	return command
}
