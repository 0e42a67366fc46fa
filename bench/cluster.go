package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// What a turn asks of the cluster beside its load.

func (t *turn) client() (*kgo.Client, error) {
	return kgo.NewClient(kafka.Connection{Brokers: []string{t.broker.addr}}.Options()...)
}

// makeTopics makes those of the bare chain.
func (t *turn) makeTopics(ctx context.Context) error {
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	var specs []kafka.TopicSpec
	for _, topic := range bareTopics {
		specs = append(specs, kafka.TopicSpec{Name: t.prefix + topic, Partitions: int32(t.scenario.Partitions)})
	}
	return kafka.EnsureTopics(ctx, client, specs)
}

// awaitGroups returns when each service's group is stable: every process is a member and has its share of the partitions. Else
// the first sagas would measure a rebalance.
func (t *turn) awaitGroups(ctx context.Context) error {
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		joined, err := t.joined(ctx, kadm.NewClient(client))
		if err != nil || joined {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turn) joined(ctx context.Context, admin *kadm.Client) (bool, error) {
	var names []string
	for _, service := range serviceNames {
		names = append(names, wire.Namespace(t.prefix).Group(service))
	}
	groups, err := admin.DescribeGroups(ctx, names...)
	if err != nil && ctx.Err() != nil {
		return false, err
	}
	if len(groups) < len(names) {
		return false, nil // the coordinator isn't there yet
	}
	for _, g := range groups {
		if g.Err != nil || g.State != "Stable" || len(g.Members) != t.scenario.Processes {
			return false, nil //nolint:nilerr // it is asked again
		}
		for _, member := range g.Members {
			assigned, ok := member.Assigned.AsConsumer()
			if !ok || len(assigned.Topics) == 0 {
				return false, nil
			}
		}
	}
	return true, nil
}

// deleteTopics removes the turn's topics from a broker that goes on.
func (t *turn) deleteTopics(ctx context.Context) error {
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list the turn's topics: %w", err)
	}
	var own []string
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, t.prefix) {
			own = append(own, name)
		}
	}
	if len(own) == 0 {
		return nil
	}
	if _, err := admin.DeleteTopics(ctx, own...); err != nil {
		return fmt.Errorf("delete the turn's topics: %w", err)
	}
	return nil
}
