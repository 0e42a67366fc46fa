package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// prepare waits for the broker and makes sure that it is one to work with, and that the service's topics are there.
func (s *Session) prepare(ctx context.Context) error {
	existing, err := s.lookAround(ctx)
	for try := 1; err != nil; try++ {
		if ctx.Err() != nil || !s.cfg.Connection.Explain(err).Retry {
			return err
		}
		s.logger.Warn("Kafka went away again, waiting for it", "error", s.cfg.Connection.Explained(err))
		_ = pause(ctx, min(rebuildCalm, time.Duration(try)*100*time.Millisecond)) // that ctx has ended is seen above
		existing, err = s.lookAround(ctx)
	}
	specs := s.topicSpecs()
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

// lookAround waits for the broker and gives the topics that are there.
func (s *Session) lookAround(ctx context.Context) (kadm.TopicDetails, error) {
	if err := kafka.WaitForBroker(ctx, s.admin, s.logger); err != nil {
		return nil, err
	}
	if !s.cfg.AllowOldTransactions {
		if _, err := kafka.TransactionVersion(ctx, s.admin); err != nil {
			return nil, err
		}
	}
	existing, err := s.kadm().ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return existing, nil
}

// TopicSpecs are the topics that a service needs, as it would create them.
func TopicSpecs(namespace wire.Namespace, partitions int32, service Service) []kafka.TopicSpec {
	s := &Session{
		cfg: Config{Namespace: namespace, Partitions: partitions}, service: service,
		inbox: namespace.Inbox(service.Name), ledgerTopic: namespace.Ledger(service.Name),
	}
	specs := s.topicSpecs()
	all := slices.AppendSeq(specs.fixed, maps.Values(specs.exempt))
	slices.SortFunc(all, func(a, b kafka.TopicSpec) int { return strings.Compare(a.Name, b.Name) })
	return all
}

type topicSpecs struct {
	fixed  []kafka.TopicSpec          // sagas touch them: all have one partition count
	exempt map[string]kafka.TopicSpec // the dead-letter topic and those of open-loop events may have any number of partitions
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
	specs.fixed = append(specs.fixed, kafka.TopicSpec{Name: n.Services(), Partitions: 1, Configs: map[string]string{
		"retention.ms": strconv.Itoa(7 * 24 * 3600 * 1000),
		// When a heartbeat came, by the broker's clock: skald doctor finds clocks that are off by it. When it was sent is in it.
		"message.timestamp.type": "LogAppendTime",
	}})
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
