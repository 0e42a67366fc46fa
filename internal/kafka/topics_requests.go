package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe tells which topics are missing, by name. Those that exist have a
// leader for each partition, or it is an error.
func describe(ctx context.Context, cl *kgo.Client, wanted map[string]TopicSpec) ([]TopicSpec, error) {
	req := kmsg.NewPtrMetadataRequest()
	for name := range wanted {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, cl) // Not kadm, which may answer from a cache.
	if err != nil {
		return nil, fmt.Errorf("asking for topics: %w", err)
	}

	var missing []TopicSpec
	var mismatches []*PartitionCountError
	var final, pending []error
	matching := 0
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		name := *t.Topic
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			missing = append(missing, wanted[name])
			continue
		case err != nil && !kerr.IsRetriable(err):
			final = append(final, describedAs(name, err))
			continue
		case err != nil:
			pending = append(pending, fmt.Errorf("topic %q: %w", name, err))
			continue
		}
		if have, want := int32(len(t.Partitions)), wanted[name].Partitions; have != want {
			mismatches = append(mismatches, &PartitionCountError{Topic: name, Have: have, Want: want})
		} else {
			matching++
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				pending = append(pending, fmt.Errorf("topic %q, partition %d has no leader: %w", name, p.Partition, kerr.ErrorForCode(p.ErrorCode)))
			}
		}
	}
	for _, m := range mismatches {
		m.Matching = matching
		final = append(final, m)
	}
	if len(final) > 0 {
		return nil, &finalError{errors.Join(final...)}
	}
	slices.SortFunc(missing, func(a, b TopicSpec) int { return cmp.Compare(a.Name, b.Name) })
	return missing, errors.Join(pending...)
}

// describedAs names the topic that an error is about.
func describedAs(topic string, err error) error {
	if about := About(err, Topic, topic); about != err { //nolint:errorlint // Whether it is the same.
		return about
	}
	return fmt.Errorf("topic %q: %w", topic, err)
}

// create asks for the topics in one request; that others create them at the same
// time is fine.
func create(ctx context.Context, cl *kgo.Client, missing []TopicSpec) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	for _, s := range missing {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = s.Name, s.Partitions, -1
		for _, k := range slices.Sorted(maps.Keys(s.Configs)) {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			v := s.Configs[k]
			c.Name, c.Value = k, &v
			t.Configs = append(t.Configs, c)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}

	var final, passing []error
	denied := map[string]bool{}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
			denied[t.Topic] = true
			continue
		}
		// Kafka calls a replication factor beyond the brokers that it has for good, but more of them may be starting.
		passes := kerr.IsRetriable(err) || errors.Is(err, kerr.InvalidReplicationFactor)
		if t.ErrorMessage != nil {
			err = fmt.Errorf("%w (%s)", err, *t.ErrorMessage)
		}
		err = fmt.Errorf("creating topic %q: %w", t.Topic, err)
		if passes {
			passing = append(passing, err)
		} else {
			final = append(final, err)
		}
	}
	if len(denied) > 0 {
		missing = slices.DeleteFunc(slices.Clone(missing), func(s TopicSpec) bool { return !denied[s.Name] })
		final = append(final, newCreateDeniedError(connectionOf(cl), missing))
	}
	if len(final) > 0 {
		return &finalError{errors.Join(final...)}
	}
	return errors.Join(passing...)
}

// answering makes sure that each partition's leader knows that it is one, which
// metadata alone doesn't say.
func answering(ctx context.Context, cl *kgo.Client, wanted map[string]TopicSpec) error {
	listed, err := kadm.NewClient(cl).ListEndOffsets(ctx, slices.Sorted(maps.Keys(wanted))...)
	if err != nil {
		err = fmt.Errorf("asking for the end of topics: %w", err)
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			return &finalError{err}
		}
		return err
	}
	for name, s := range wanted {
		for p := range s.Partitions {
			o, ok := listed.Lookup(name, p)
			if !ok {
				return fmt.Errorf("topic %q, partition %d: no answer yet", name, p)
			}
			if o.Err != nil {
				return fmt.Errorf("topic %q, partition %d: %w", name, p, o.Err)
			}
		}
	}
	return nil
}
