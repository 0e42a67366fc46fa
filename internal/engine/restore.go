package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// restore is called by the group when partitions have been assigned and their committed offsets are known, before the first
// of their records is fetched. It replays the partitions' ledgers and says where each topic goes on: at the committed offset;
// or, when Kafka has forgotten that (offsets.retention.minutes after the last member left), at the ledger's checkpoint;
// or else at the topic's start, so that no event of before the service's first day is passed over.
func (s *Session) restore(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	var partitions []int32
	for _, byPartition := range offsets {
		for p := range byPartition {
			if !slices.Contains(partitions, p) {
				partitions = append(partitions, p)
			}
		}
	}
	if len(partitions) == 0 {
		return offsets, nil
	}
	began := time.Now()
	all, err := s.replay(ctx, partitions)
	if err != nil {
		if lasting, ok := s.lasting(err); ok {
			s.assignment.fail(&finalError{lasting})
		} else if ctx.Err() == nil {
			s.logger.Error("restoring the ledger failed", "error", err)
		}
		return nil, err
	}
	if err := s.resolve(ctx, offsets, all); err != nil {
		return nil, err
	}
	for _, r := range all {
		s.assignment.add(assignmentEvent{restored: r})
	}
	s.logger.Debug("ledger restored", "partitions", len(partitions), "took", time.Since(began))
	return offsets, nil
}

// resolve gives every topic a position that is a number: after an abort the client goes back to committed positions, and "the
// start" is none.
func (s *Session) resolve(ctx context.Context, offsets map[string]map[int32]kgo.Offset, all map[int32]*restored) error {
	var unknown []string
	for topic, byPartition := range offsets {
		for p, o := range byPartition {
			if at := o.EpochOffset().Offset; at >= 0 {
				all[p].consumed[topic] = at
				continue
			}
			if at, ok := offsetsIn(all[p].ledger.Checkpoint())[topic]; ok {
				byPartition[p] = kgo.NewOffset().At(at)
				all[p].consumed[topic] = at
				continue
			}
			unknown = append(unknown, topic)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	starts, err := s.kadm().ListStartOffsets(ctx, slices.Compact(unknown)...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("find the start of topics: %w", err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if at, ok := offsets[o.Topic][o.Partition]; ok && at.EpochOffset().Offset < 0 {
			// With an epoch, as committed offsets have one: the client asks the broker about epochs before it fetches. A partition
			// without would be fetched from before the others, and if it is empty, its fetch holds theirs up for FetchMaxWait.
			offsets[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset).WithEpoch(o.LeaderEpoch)
		}
	})
	return nil
}

// replay reads the ledgers of partitions from their fences to the end, and the tail of the outcomes for the dedupe window.
func (s *Session) replay(ctx context.Context, partitions []int32) (map[int32]*restored, error) {
	if slices.Max(partitions) >= s.cfg.Partitions { // a topic has more partitions than before: which one does it say?
		return nil, cmp.Or(kafka.CheckTopics(ctx, s.admin, s.topicSpecs().fixed), errTooMany)
	}
	all := map[int32]*restored{}
	for _, p := range partitions {
		all[p] = &restored{
			partition: p, consumed: map[string]int64{},
			ledger: ledger.New(dedupeWindow, dedupeMost/int(s.cfg.Partitions)),
		}
	}
	from, err := s.replayStart(ctx, partitions)
	if err != nil {
		return nil, err
	}
	err = s.readToEnd(ctx, s.ledgerTopic, from, func(r *kgo.Record) error {
		all[r.Partition].replayed++
		if err := s.replayRecord(all[r.Partition].ledger, r); err != nil {
			return &finalError{fmt.Errorf("ledger %s, partition %d, offset %d: %w", r.Topic, r.Partition, r.Offset, err)}
		}
		return nil
	}, func(p int32, end int64) { all[p].ledger.ReplayEnd(end) })
	if err != nil || !s.initiates() {
		return all, err
	}
	return all, s.replayOutcomes(ctx, all)
}

// errTooMany passes: the topics are as they should be by now.
var errTooMany = errors.New("a partition was assigned that no topic has")

// replayStart gives the fences that the last transactions committed. While one of them may still be about to commit, the
// group's coordinator says so, and one has to ask again.
func (s *Session) replayStart(ctx context.Context, partitions []int32) (map[int32]int64, error) {
	group := s.cfg.Namespace.Group(s.service.Name)
	from := map[int32]int64{}
	for {
		committed, err := s.kadm().FetchOffsets(kadm.RequireStable(ctx), group)
		if err == nil {
			err = committed.Error()
		}
		switch {
		case err == nil:
			for _, p := range partitions {
				from[p] = 0 // nothing was committed yet, or Kafka forgot it: the log holds no more than what is live
				if o, ok := committed.Lookup(s.ledgerTopic, p); ok && o.At >= 0 {
					from[p] = o.At
				}
			}
			return from, nil
		case errors.Is(err, kerr.UnstableOffsetCommit):
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("find where the ledger begins: %w", kafka.About(err, kafka.Group, group))
		}
	}
}

func (s *Session) replayRecord(l *ledger.Ledger, r *kgo.Record) error {
	w, err := wire.DecodeLedgerRecord(r.Value)
	if err != nil {
		return err
	}
	return s.machine.Replay(l, r.Partition, r.Offset, w)
}

func (s *Session) initiates() bool {
	return slices.ContainsFunc(s.service.Steps, func(st Step) bool { return st.Role == wire.RoleBegin })
}

// replayOutcomes reads again which sagas ended within the dedupe window.
func (s *Session) replayOutcomes(ctx context.Context, all map[int32]*restored) error {
	topic := s.cfg.Namespace.Outcomes()
	after, err := s.kadm().ListOffsetsAfterMilli(ctx, time.Now().Add(-dedupeWindow).UnixMilli(), topic)
	if err == nil {
		err = after.Error()
	}
	if err != nil {
		return fmt.Errorf("find the latest outcomes: %w", kafka.About(err, kafka.Topic, topic))
	}
	from := map[int32]int64{}
	after.Each(func(o kadm.ListedOffset) {
		if all[o.Partition] != nil {
			from[o.Partition] = o.Offset
		}
	})
	return s.readToEnd(ctx, topic, from, func(r *kgo.Record) error {
		if id, err := uuid.Parse(string(r.Key)); err == nil {
			all[r.Partition].ledger.RememberClosed(ledger.SagaID(id), r.Timestamp)
		}
		return nil
	}, func(int32, int64) {})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
