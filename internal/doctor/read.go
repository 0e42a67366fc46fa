package doctor

import (
	"context"
	"fmt"
	"github.com/skald-saga/skald/internal/kafka"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// positions are offsets by topic and partition.
type positions map[string]map[int32]int64

func (p positions) set(topic string, partition int32, offset int64) {
	if p[topic] == nil {
		p[topic] = map[int32]int64{}
	}
	p[topic][partition] = offset
}

// span is from where to where a partition's log goes: end is the last stable offset.
type span struct{ start, end int64 }

// spans asks for the logs of topics. Partitions that nobody answers for, as they have no leader, are missing.
func (p *patient) spans(ctx context.Context, topics ...string) (map[string]map[int32]span, error) {
	result := map[string]map[int32]span{}
	if len(topics) == 0 {
		return result, nil
	}
	starts, err := p.admin.ListStartOffsets(ctx, topics...)
	if err != nil && len(starts) == 0 {
		return nil, err
	}
	ends, err := p.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil && len(ends) == 0 {
		return nil, err
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, ok := starts.Lookup(end.Topic, end.Partition)
		if !ok || start.Err != nil || end.Err != nil {
			return
		}
		if result[end.Topic] == nil {
			result[end.Topic] = map[int32]span{}
		}
		result[end.Topic][end.Partition] = span{start.Offset, end.Offset}
	})
	return result, nil
}

// read gives the committed records of partitions from offsets on, to where they end by now.
func (p *patient) read(ctx context.Context, from positions, each func(*kgo.Record)) error {
	topics := make([]string, 0, len(from))
	for topic := range from {
		topics = append(topics, topic)
	}
	spans, err := p.spans(ctx, topics...)
	if err != nil {
		return err
	}
	at := map[string]map[int32]kgo.Offset{}
	left := map[string]map[int32]int64{}
	unread := 0
	for topic, partitions := range from {
		at[topic], left[topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		for id, offset := range partitions {
			s, ok := spans[topic][id]
			if offset = max(offset, s.start); !ok || offset >= s.end {
				continue
			}
			at[topic][id], left[topic][id] = kgo.NewOffset().At(offset), s.end
			unread++
		}
	}
	if unread == 0 {
		return nil
	}
	reader, err := kafka.NewReader(append(p.Connection.Options(),
		kgo.ConsumePartitions(at), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // else a log that ends in a marker would never be seen to end
	)...)
	if err != nil {
		return err
	}
	defer reader.Close()
	for unread > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %v: %w", topics, err)
		}
		for r := range fetches.RecordsAll() {
			end, ok := left[r.Topic][r.Partition]
			if !ok {
				continue
			}
			if !r.Attrs.IsControl() && r.Offset < end {
				each(r)
			}
			if r.Offset+1 >= end {
				delete(left[r.Topic], r.Partition)
				unread--
			}
		}
	}
	return nil
}
