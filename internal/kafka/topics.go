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

// TopicSpec is a topic that has to be there.
type TopicSpec struct {
	Name       string
	Partitions int32 // at least 1

	// Configs are set when the topic is created, by Kafka's names
	// ("retention.ms"). A topic that exists keeps the ones that it has: they
	// are its operator's.
	Configs map[string]string
}

// PartitionCountError is that a topic exists with another partition count.
type PartitionCountError struct {
	Topic      string
	Have, Want int32
}

func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("topic %q has %d partitions, but %d are wanted: the count decides where each saga lives and can't change while there are any. "+
		"Configure %d partitions, or another topic prefix, or delete the topic if nothing in it is needed any more",
		e.Topic, e.Have, e.Want, e.Have)
}

// EnsureTopics creates the topics that are missing, with the cluster's default
// replication factor, and returns once each partition of all of them has a
// leader that answers. Without that wait the first records of a new topic are
// seen late. Several processes may do it at once.
//
// If a topic exists with another partition count nothing is created, and the
// error has a *PartitionCountError per such topic. What may pass (a broker that
// isn't there, a leader that isn't elected) is tried again for as long as ctx
// allows.
func EnsureTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec) error {
	wanted, err := collect(specs)
	if err != nil || len(wanted) == 0 {
		return err
	}
	for try := 0; ; try++ {
		err := ensure(ctx, cl, wanted)
		if err == nil {
			return nil
		}
		if final := (*finalError)(nil); errors.As(err, &final) {
			return final.error
		}
		if ctxErr := sleep(ctx, min(backoff(try), maxTopicBackoff)); ctxErr != nil {
			return fmt.Errorf("waiting for topics: %w (last: %w)", ctxErr, err)
		}
	}
}

// maxTopicBackoff: new topics are there within some 100 ms, and somebody waits.
const maxTopicBackoff = mostBackoff / 10

// finalError is one that trying again doesn't help against.
type finalError struct{ error }

// collect refuses specs that contradict each other.
func collect(specs []TopicSpec) (map[string]TopicSpec, error) {
	wanted := make(map[string]TopicSpec, len(specs))
	for _, s := range specs {
		if s.Name == "" || s.Partitions < 1 {
			return nil, fmt.Errorf("topic %q with %d partitions: a name and at least 1 partition are needed", s.Name, s.Partitions)
		}
		if other, ok := wanted[s.Name]; ok && (other.Partitions != s.Partitions || !maps.Equal(other.Configs, s.Configs)) {
			return nil, fmt.Errorf("topic %q is wanted in two ways: %d partitions with %v, and %d with %v",
				s.Name, other.Partitions, other.Configs, s.Partitions, s.Configs)
		}
		wanted[s.Name] = s
	}
	return wanted, nil
}

// ensure is one try of EnsureTopics.
func ensure(ctx context.Context, cl *kgo.Client, wanted map[string]TopicSpec) error {
	missing, err := describe(ctx, cl, wanted)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := create(ctx, cl, missing); err != nil {
			return err
		}
		// Look again: others may have created them otherwise.
		if missing, err = describe(ctx, cl, wanted); err != nil {
			return err
		}
		if len(missing) > 0 {
			return fmt.Errorf("topic %q was created, but isn't there yet", missing[0].Name)
		}
	}
	return answering(ctx, cl, wanted)
}

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
	var mismatches, pending []error
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
			return nil, &finalError{fmt.Errorf("topic %q: %w", name, err)}
		case err != nil:
			pending = append(pending, fmt.Errorf("topic %q: %w", name, err))
			continue
		}
		if have, want := int32(len(t.Partitions)), wanted[name].Partitions; have != want {
			mismatches = append(mismatches, &PartitionCountError{Topic: name, Have: have, Want: want})
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				pending = append(pending, fmt.Errorf("topic %q, partition %d has no leader: %w", name, p.Partition, kerr.ErrorForCode(p.ErrorCode)))
			}
		}
	}
	if len(mismatches) > 0 {
		return nil, &finalError{errors.Join(mismatches...)}
	}
	slices.SortFunc(missing, func(a, b TopicSpec) int { return cmp.Compare(a.Name, b.Name) })
	return missing, errors.Join(pending...)
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
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		passes := kerr.IsRetriable(err)
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
		return fmt.Errorf("asking for the end of topics: %w", err)
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
