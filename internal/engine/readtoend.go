package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
)

// readToEnd reads partitions of a topic, each from its offset in from (or the log's start, if that is later), to the high watermark of
// now. Not to the last stable offset: a former owner's transaction may be about to commit, and what it wrote would be missed.
// read_committed waits until such a transaction is decided; control records are kept because without them a partition that
// ends in a marker would never be seen to end.
func (s *Session) readToEnd(ctx context.Context, topic string, from map[int32]int64, each func(*kgo.Record) error, end func(partition int32, next int64)) error {
	bounds, err := s.bounds(ctx, topic)
	if err != nil {
		return err
	}
	at := map[int32]kgo.Offset{}
	left := map[int32]int64{}
	for p, start := range from {
		b := bounds[p]
		start = max(start, b.start)
		if start >= b.end {
			end(p, b.end)
			continue
		}
		at[p], left[p] = kgo.NewOffset().At(start), b.end
	}
	if len(left) == 0 {
		return nil
	}
	reader, err := kafka.NewReader(append(s.connection("replay").Options(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return err
	}
	defer reader.Close()
	for len(left) > 0 {
		fetches, err := pollFor(ctx, reader, trimmedLook)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("read %s: %w", topic, kafka.About(err, kafka.Topic, topic))
		case fetches.NumRecords() == 0:
			if err := s.passTrimmed(ctx, topic, left, end); err != nil {
				return err
			}
			continue
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			last, unread := left[r.Partition]
			if !unread {
				continue
			}
			if !r.Attrs.IsControl() {
				if err := each(r); err != nil {
					return err
				}
			}
			if r.Offset+1 >= last {
				delete(left, r.Partition)
				end(r.Partition, r.Offset+1)
			}
		}
	}
	return nil
}

// trimmedLook is how long nothing comes before one looks whether it ever will.
const trimmedLook = time.Second

// pollFor is PollFetches for so long; that nothing came is no error.
func pollFor(ctx context.Context, reader *kafka.Reader, atMost time.Duration) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	fetches := reader.PollFetches(ctx)
	err := firstError(fetches)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return fetches, err
}

// passTrimmed ends the partitions in which what was to be read is gone: a former owner's last deletion may come after the bounds
// were asked for, and of an empty log nothing would ever be polled.
func (s *Session) passTrimmed(ctx context.Context, topic string, left map[int32]int64, end func(partition int32, next int64)) error {
	now, err := s.bounds(ctx, topic)
	if err != nil {
		return err
	}
	for p, last := range left {
		if now[p].start >= last {
			delete(left, p)
			end(p, now[p].start)
		}
	}
	return nil
}

type bounds struct{ start, end int64 }

func (s *Session) bounds(ctx context.Context, topic string) (map[int32]bounds, error) {
	starts, err := s.kadm().ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("find the start of %s: %w", topic, kafka.About(err, kafka.Topic, topic))
	}
	ends, err := s.kadm().ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("find the end of %s: %w", topic, kafka.About(err, kafka.Topic, topic))
	}
	all := map[int32]bounds{}
	ends.Each(func(o kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, o.Partition)
		all[o.Partition] = bounds{start.Offset, o.Offset}
	})
	return all, nil
}

func firstError(fetches kgo.Fetches) (err error) {
	fetches.EachError(func(_ string, _ int32, e error) {
		if err == nil {
			err = e
		}
	})
	return err
}
