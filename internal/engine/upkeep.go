package engine

import (
	"cmp"
	"context"
	"maps"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/kafka"
)

const (
	rewriteMost = 500 // entries written again in one transaction
	trimTimeout = 10 * time.Second
	lookTimeout = 10 * time.Second
)

// upkeep is what keeps the ledgers' logs short and the checkpoints fresh.
type upkeep struct {
	nextTrim       time.Time
	nextCheckpoint time.Time
	trimmed        map[int32]int64
	trimming       chan struct{} // closed when the deletion under way has ended
	nextLook       time.Time
	looking        atomic.Bool
}

// keepUp adds to a batch what the ledgers need now and then: old entries written again, checkpoints.
func (s *Session) keepUp(b *batch) {
	checkpoint := !b.now.Before(s.upkeep.nextCheckpoint) && !s.upkeep.nextCheckpoint.IsZero()
	for partition, l := range s.ledgers {
		l.Rewrite(rewriteMost)
		if checkpoint {
			if at := s.positions(b, partition); len(at) > 0 && !maps.Equal(at, offsetsIn(l.Checkpoint())) {
				l.SetCheckpoint(at)
			}
		}
	}
	if checkpoint || s.upkeep.nextCheckpoint.IsZero() {
		s.upkeep.nextCheckpoint = b.now.Add(s.cfg.Upkeep.CheckpointEvery)
	}
}

// positions gives the next offsets of a partition as they are when the batch commits.
func (s *Session) positions(b *batch, partition int32) map[string]int64 {
	at := maps.Clone(s.consumed[partition])
	if at == nil {
		at = map[string]int64{}
	}
	maps.Copy(at, b.polled[partition])
	return at
}

// trim deletes the ledgers' records before their fences, in the background, one request at a time. A deletion that fails is tried
// again the next time: the log is longer meanwhile, nothing else. What was trimmed is the background's until trimming is closed.
func (s *Session) trim(ctx context.Context) {
	u := &s.upkeep
	now := time.Now()
	if now.Before(u.nextTrim) {
		return
	}
	u.nextTrim = now.Add(s.cfg.Upkeep.TrimEvery)
	if u.trimming != nil {
		select {
		case <-u.trimming:
		default:
			return
		}
	}
	if u.trimmed == nil {
		u.trimmed = map[int32]int64{}
	}
	before := kadm.Offsets{}
	for partition, l := range s.ledgers {
		if fence := l.Fence(); fence-u.trimmed[partition] >= s.cfg.Upkeep.TrimAtLeast {
			before.AddOffset(s.ledgerTopic, partition, fence, -1)
		}
	}
	if len(before) == 0 {
		return
	}
	done := make(chan struct{})
	u.trimming = done
	s.executions.crew.wait.Go(func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, trimTimeout)
		defer cancel()
		deleted, err := s.kadm().DeleteRecords(ctx, before)
		if err = cmp.Or(err, deleted.Error()); err != nil && ctx.Err() == nil {
			err = s.cfg.Connection.Explained(kafka.About(err, kafka.Topic, s.ledgerTopic))
			s.logger.Warn("trimming the ledger failed; the next time makes it good", "topic", s.ledgerTopic, "error", err)
		}
		deleted.Each(func(d kadm.DeleteRecordsResponse) {
			if d.Err == nil {
				u.trimmed[d.Partition] = d.LowWatermark
			}
		})
	})
}

// look ends the session, from the background, if somebody has given a topic more partitions. Its group alone doesn't tell: the new
// partition may be another member's, or in a topic that the service only writes to.
func (s *Session) look(ctx context.Context) {
	u := &s.upkeep
	now := time.Now()
	if now.Before(u.nextLook) || !u.looking.CompareAndSwap(false, true) {
		return
	}
	u.nextLook = now.Add(s.cfg.Upkeep.LookEvery)
	s.executions.crew.wait.Go(func() {
		defer u.looking.Store(false)
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		err := kafka.CheckTopics(ctx, s.admin, s.topicSpecs().fixed)
		if lasting, ok := s.lasting(err); ok { // others pass, or transactions tell of them
			s.assignment.fail(lasting)
		}
	})
}

func offsetsIn(checkpoint any) map[string]int64 {
	m, _ := checkpoint.(map[string]int64)
	return m
}
