package engine

import (
	"context"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	rewriteMost = 500 // entries written again in one transaction
	trimTimeout = 10 * time.Second
)

// upkeep is what keeps the ledgers' logs short and the checkpoints fresh.
type upkeep struct {
	nextTrim       time.Time
	nextCheckpoint time.Time
	trimmed        map[int32]int64
	trimming       chan struct{} // closed when the deletion under way has ended
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

// trim deletes the ledgers' records before their fences, in the background, one request at a time. A deletion that fails is
// made good by the next, when the fence has moved on: the log is longer meanwhile, nothing else.
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
			u.trimmed[partition] = fence
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
		if _, err := s.kadm().DeleteRecords(ctx, before); err != nil && ctx.Err() == nil {
			s.logger.Warn("trimming the ledger failed; the next time makes it good", "topic", s.ledgerTopic, "error", err)
		}
	})
}

func offsetsIn(checkpoint any) map[string]int64 {
	m, _ := checkpoint.(map[string]int64)
	return m
}
