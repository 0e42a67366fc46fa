package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/kafka"
)

// stampedBy measures our clock by each broker's, in a topic of its own with a partition on each. Its name is new each time, as
// two people may ask at once.
func (p *patient) stampedBy(ctx context.Context) (_ map[int32]measurement, err error) {
	prefix := p.namespace.Topic("skald.doctor.")
	topic := prefix + rand.Text()[:8]
	defer func() {
		if access, ok := errors.AsType[*kafka.AccessError](err); ok {
			access.Name, access.Prefixed, access.Operations = prefix, true, []string{"Create", "Describe", "Read", "Write", "Delete"}
		}
	}()
	ids := slices.Sorted(maps.Keys(p.live))
	if err := p.createStamped(ctx, topic, ids); err != nil {
		return nil, kafka.About(err, kafka.Topic, topic)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout/4)
		defer cancel()
		deleted, deleteErr := p.admin.DeleteTopics(ctx, topic)
		if deleteErr = cmp.Or(deleteErr, deleted[topic].Err); deleteErr != nil {
			err = errors.Join(err, fmt.Errorf("topic %q stays behind: %w", topic, kafka.About(deleteErr, kafka.Topic, topic)))
		}
	}()
	specs := []kafka.TopicSpec{{Name: topic, Partitions: int32(len(ids))}}
	if err := kafka.EnsureTopics(ctx, p.client, specs); err != nil { // waits until leaders answer
		return nil, err
	}
	writer, err := kgo.NewClient(append(p.Connection.Options(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))...)
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	bounds := map[int32][]moment{}
	from := positions{}
	for partition := range int32(len(ids)) {
		for range stamps {
			before := p.Now()
			r, err := writer.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: partition}).First()
			if err != nil {
				return nil, kafka.About(err, kafka.Topic, topic)
			}
			if len(bounds[partition]) == 0 {
				from.set(topic, partition, r.Offset)
			}
			bounds[partition] = append(bounds[partition], moment{before: before, after: p.Now()})
		}
	}
	if err := p.read(ctx, from, func(r *kgo.Record) {
		if i := r.Offset - from[topic][r.Partition]; i < stamps && r.Attrs.TimestampType() == logAppendTime {
			bounds[r.Partition][i].stamp = r.Timestamp
		}
	}); err != nil {
		return nil, err
	}
	return best(ids, bounds), nil
}

// stamps is how often each broker is asked: the first time takes a connection, the quickest tells most.
const stamps = 5

// moment is when a record was written, by both clocks.
type moment struct{ before, stamp, after time.Time }

func (m moment) measure() measurement {
	half := m.after.Sub(m.before) / 2
	return measurement{ahead: m.before.Add(half).Sub(m.stamp), within: half + time.Millisecond}
}

// best takes the quickest of each broker. The embedded broker stamps nothing, and is missing.
func best(ids []int32, bounds map[int32][]moment) map[int32]measurement {
	result := map[int32]measurement{}
	for partition, moments := range bounds {
		all := make([]measurement, 0, len(moments))
		for _, m := range moments {
			if !m.stamp.IsZero() {
				all = append(all, m.measure())
			}
		}
		if len(all) > 0 {
			result[ids[partition]] = slices.MinFunc(all, func(a, b measurement) int { return cmp.Compare(a.within, b.within) })
		}
	}
	return result
}

func (p *patient) createStamped(ctx context.Context, topic string, ids []int32) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, -1, -1
	for partition, id := range ids {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(partition), []int32{id}
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	for name, value := range map[string]string{stampType: onAppend, "min.insync.replicas": "1", "retention.ms": "3600000"} {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		t.Configs = append(t.Configs, c)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}
