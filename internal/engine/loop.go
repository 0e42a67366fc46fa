package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
)

// loop takes batch after batch until ctx ends (nil) or a transaction fails.
func (s *Session) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.turn(ctx, idlePoll); err != nil {
			return err
		}
	}
	return nil
}

// turn is one batch: poll, handle, commit.
func (s *Session) turn(ctx context.Context, wait time.Duration) error {
	defer s.group.AllowRebalance()
	wait = s.untilDue(wait)
	fetches, err := s.poll(ctx, wait)
	if err != nil {
		return err
	}
	if err := s.applyAssignment(); err != nil {
		return err
	}
	b := s.newBatch(time.Now(), fetches.NumRecords())
	for i := range fetches {
		for j := range fetches[i].Topics {
			topic := &fetches[i].Topics[j]
			for k := range topic.Partitions {
				p := &topic.Partitions[k]
				tooLarge := unreadable(p.Err)
				if (len(p.Records) > 0 || tooLarge != nil) && s.ledgers[p.Partition] == nil {
					return fmt.Errorf("records of partition %d of %s came before its ledger", p.Partition, topic.Topic)
				}
				b.addAll(p.Records, topic.TopicID)
				if tooLarge != nil {
					s.meet(tooLarge)
				}
			}
		}
	}
	b.passOver()
	patient, done := s.patient(ctx)
	defer done()
	if err := s.complete(patient, b); err != nil {
		return err
	}
	s.trim(ctx)
	s.look(ctx)
	return nil
}

// patient gives a context that outlives ctx by the drain time: what is under way when the service is told to stop is still
// finished, but a broker that is away can't hold it for ever.
func (s *Session) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = pause(patient, s.cfg.DrainTimeout+farewellTimeout)
		cancel()
	})
	return patient, func() {
		stop()
		cancel()
	}
}

// complete runs a batch's handlers and commits what came of them.
func (s *Session) complete(ctx context.Context, b *batch) error {
	b.resume()
	b.collect()
	b.settle()
	s.limit.learn(b)
	s.keepUp(b)
	if err := s.commit(ctx, b); err != nil {
		return err
	}
	s.pressure.regulate(s)
	s.vitals.afterTurn(s)
	return nil
}

// poll waits for records, a finished handler or the end of wait, and goes on collecting until the brokers have had the time
// to write the markers of the last transaction (settle).
func (s *Session) poll(ctx context.Context, wait time.Duration) (kgo.Fetches, error) {
	pollContext, done := s.executions.pollContext(ctx, wait)
	fetches := s.group.PollRecords(pollContext, s.limit.records())
	done()
	if err := s.fetchError(fetches); err != nil {
		return nil, err
	}
	if rest := s.cfg.Settle - time.Since(s.lastCommit); rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	for n, most := fetches.NumRecords(), s.limit.records(); n < most; {
		more := s.group.PollRecords(nil, most-n) //nolint:staticcheck // a nil context is how kgo says "what is there"
		if err := s.fetchError(more); err != nil {
			return nil, err
		}
		if more.NumRecords() == 0 {
			break
		}
		n += more.NumRecords()
		fetches = append(fetches, more...)
	}
	return fetches, nil
}

// fetchError logs what kgo retries by itself and returns what ends the session.
func (s *Session) fetchError(fetches kgo.Fetches) (err error) {
	fetches.EachError(func(topic string, partition int32, e error) {
		switch {
		case errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		case unreadable(e) != nil: // the turn sees to it
		case errors.Is(e, kgo.ErrClientClosed):
			err = e
		case topic == "": // of the group or the client as a whole
			err = kafka.About(e, kafka.Group, s.cfg.Namespace.Group(s.service.Name))
		case errors.Is(e, kerr.TopicAuthorizationFailed):
			err = kafka.About(e, kafka.Topic, topic)
		default:
			s.logger.Warn("fetching failed", "topic", topic, "partition", partition, "error", e)
		}
	})
	return err
}

// resume starts the work that lies in the ledgers and may run now.
func (b *batch) resume() {
	for _, l := range b.s.ledgers {
		b.Resume(l, batchLimit)
	}
}

// untilDue is how long a poll may wait: not at all if the last transaction made way for work in a ledger, for the next event of a saga
// or for one more of a step whose places were taken; or until something is due.
func (s *Session) untilDue(most time.Duration) time.Duration {
	now := time.Now()
	places := s.machine.Places(driver{s}, now)
	for _, l := range s.ledgers {
		if l.Waits(places) {
			return 0
		}
	}
	if due := s.machine.NextDue(now, s.ledgers); !due.IsZero() {
		return max(0, min(most, due.Sub(now)))
	}
	return most
}

// drain lets running handlers finish within the drain time and commits what they produced; then it tells the others to end,
// and their work stays in the ledger. Last it writes a checkpoint, as the group may be without members for long.
func (s *Session) drain(ctx context.Context, stopHandlers context.CancelFunc) {
	deadline := time.Now().Add(s.cfg.DrainTimeout)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline.Add(farewellTimeout)) // a broker that is away must not hold it
	defer cancel()
	s.machine.Stopping = true
	for s.executions.busy() {
		left := time.Until(deadline)
		if left <= 0 {
			stopHandlers()
			break
		}
		s.waitForHandler(left)
		if err := s.drainTurn(ctx); err != nil {
			return // the rest is in the ledger and in the topics
		}
	}
	s.upkeep.nextCheckpoint = time.Now()
	if err := s.drainTurn(ctx); err != nil {
		s.logger.Debug("no checkpoint was written at the end", "error", err)
	}
}

func (s *Session) waitForHandler(atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-s.executions.bell:
	case <-timer.C:
	}
}

func (s *Session) drainTurn(ctx context.Context) error {
	if err := s.applyAssignment(); err != nil {
		return err
	}
	return s.complete(ctx, s.newBatch(time.Now(), 0))
}
