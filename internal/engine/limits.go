package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A broker refuses a batch that is larger than its topic's max.message.bytes, and with it every record in the batch: one
// saga's fault would be everybody's. So batches follow what the topics really take; a record that is too large by itself
// is then refused by the client, alone.

const maxMessageBytes = "max.message.bytes"

// ledgerNeeds is how large the ledger record of the largest event is: JSON, with its payload in base64.
const ledgerNeeds = maxEvent*4/3 + 64<<10

// letterFrame is room for what a letter adds to the record that it holds.
const letterFrame = 64 << 10

// askLimits asks the brokers what the topics that this service writes to take.
func (s *Session) askLimits(ctx context.Context) error {
	specs := s.topicSpecs()
	topics := slices.Collect(maps.Keys(specs.exempt))
	for _, spec := range specs.fixed {
		topics = append(topics, spec.Name)
	}
	all, err := s.kadm().DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		s.logger.Debug("the limits of topics are not known: Kafka's defaults are taken", "error", err)
		return nil
	}
	limits := map[string]int32{}
	for _, topic := range all {
		for _, c := range topic.Configs {
			if n, err := strconv.ParseInt(c.MaybeValue(), 10, 32); c.Key == maxMessageBytes && err == nil {
				limits[topic.Name] = int32(n)
			}
		}
	}
	s.limits = limits
	if n, ok := limits[s.cfg.Namespace.DeadLetters()]; ok {
		s.letterBound = min(s.letterBound, int(n)-letterFrame)
	}
	if n, ok := limits[s.ledgerTopic]; ok && n < ledgerNeeds {
		return fmt.Errorf("topic %q takes records of %d bytes (%s), but accepted work can have %d: raise it, best to %d",
			s.ledgerTopic, n, maxMessageBytes, int(ledgerNeeds), int(maxSystemRecord))
	}
	return nil
}

// batchBytes is the producer's batch limit for a topic. What copies other people's records is allowed more than an event is.
func (s *Session) batchBytes(topic string) int32 {
	most := int32(eventBatchBytes)
	switch topic {
	case s.inbox, s.ledgerTopic, s.cfg.Namespace.DeadLetters():
		most = maxSystemRecord
	}
	if limit, ok := s.limits[topic]; ok {
		return min(most, limit)
	}
	return most
}
