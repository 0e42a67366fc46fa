package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"
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

// EnsureTopics creates the topics that are missing, with the cluster's default
// replication factor, and returns once each partition of all of them has a
// leader that answers. Without that wait the first records of a new topic are
// seen late. Several processes may do it at once.
//
// If a topic exists with another partition count nothing is created, and the
// error has a *PartitionCountError per such topic. If the user may not create
// topics it is a *CreateDeniedError, and if it may not even see them it has an
// *AccessError for each. What may pass (a broker that
// isn't there, a leader that isn't elected, fewer brokers than the replication
// factor while a cluster starts) is tried again for as long as ctx allows, and
// logged by the client.
func EnsureTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec) error {
	wanted, err := collect(specs)
	if err != nil || len(wanted) == 0 {
		return err
	}
	said := ""
	for try := 0; ; try++ {
		err := ensure(ctx, cl, wanted)
		if err == nil {
			return nil
		}
		if final := (*finalError)(nil); errors.As(err, &final) {
			return final.error
		}
		if text := err.Error(); try >= quietTries && text != said && ctx.Err() == nil {
			said = text
			warn(cl, "waiting for topics", "error", err)
		}
		if ctxErr := sleep(ctx, min(backoff(try), maxTopicBackoff)); ctxErr != nil {
			return fmt.Errorf("waiting for topics: %w (last: %w)", ctxErr, err)
		}
	}
}

// CheckTopics says whether topics that EnsureTopics once made sure of are still
// what they were: the error has a *PartitionCountError for each that was given
// more partitions since. One try, and nothing is created.
func CheckTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec) error {
	wanted, err := collect(specs)
	if err != nil || len(wanted) == 0 {
		return err
	}
	missing, err := describe(ctx, cl, wanted)
	if final := (*finalError)(nil); errors.As(err, &final) {
		return final.error
	}
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("topic %q is not there any more", missing[0].Name)
	}
	return err
}

// quietTries is how often a topic may not be ready before that is worth a line: the leaders of a new one take some 100 ms.
const quietTries = 5

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
