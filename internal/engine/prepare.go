package engine

import (
	"context"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/kafka"
)

// prepare waits for the broker and makes sure that the service's topics are there.
func (s *Session) prepare(ctx context.Context) error {
	if err := kafka.WaitForBroker(ctx, s.admin, s.logger); err != nil {
		return err
	}
	specs := s.topicSpecs()
	// The dead-letter topic and those of open-loop events may have any number of partitions.
	existing, err := kadm.NewClient(s.admin).ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var missing []kafka.TopicSpec
	for name, spec := range specs.exempt {
		if !existing.Has(name) {
			missing = append(missing, spec)
		}
	}
	if err := kafka.EnsureTopics(ctx, s.admin, append(missing, specs.fixed...)); err != nil {
		return err
	}
	return s.askLimits(ctx)
}

type topicSpecs struct {
	fixed  []kafka.TopicSpec // sagas touch them: all have one partition count
	exempt map[string]kafka.TopicSpec
}

func (s *Session) topicSpecs() topicSpecs {
	n := s.cfg.Namespace
	large := map[string]string{maxMessageBytes: strconv.Itoa(maxSystemRecord), "retention.ms": "-1"}
	specs := topicSpecs{exempt: map[string]kafka.TopicSpec{
		n.DeadLetters(): {Name: n.DeadLetters(), Partitions: s.cfg.Partitions, Configs: large},
	}}
	fixed := func(name string, configs map[string]string) {
		specs.fixed = append(specs.fixed, kafka.TopicSpec{Name: name, Partitions: s.cfg.Partitions, Configs: configs})
	}
	fixed(s.ledgerTopic, large)
	fixed(s.inbox, map[string]string{maxMessageBytes: strconv.Itoa(maxSystemRecord)})
	for topic := range s.coPartitioned() {
		if topic != s.ledgerTopic && topic != s.inbox {
			fixed(topic, nil)
		}
	}
	specs.fixed = append(specs.fixed, kafka.TopicSpec{Name: n.Services(), Partitions: 1, Configs: map[string]string{"retention.ms": strconv.Itoa(7 * 24 * 3600 * 1000)}})
	for _, st := range s.service.Steps {
		for _, name := range st.Emits {
			if topic := n.Topic(name); !s.coPartitioned()[topic] {
				specs.exempt[topic] = kafka.TopicSpec{Name: topic, Partitions: s.cfg.Partitions}
			}
		}
	}
	return specs
}

// coPartitioned gives the topics that sagas touch, as far as this service knows: a saga has the same partition number in all.
func (s *Session) coPartitioned() map[string]bool {
	n := s.cfg.Namespace
	all := map[string]bool{s.inbox: true, s.ledgerTopic: true, n.Outcomes(): true, n.Cancel(): true}
	for _, st := range s.service.Steps {
		all[n.Topic(st.Topic)] = true
		for _, next := range st.Next {
			all[n.Topic(next)] = true
		}
		for _, f := range st.NextFor {
			all[n.Topic(f.Topic)] = true
		}
		if st.EndTopic != "" {
			all[n.Topic(st.EndTopic)] = true
		}
	}
	return all
}
