package skald

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Saga is a saga that a client started.
type Saga struct {
	id     string
	client *Client
	waiter *waiter // nil if started WithoutWait
}

// Outcome is how a saga ended.
type Outcome struct {
	Outcome string // completed, rejected, cancelled, expired or abandoned
	Reason  string
	Started time.Time // when the initiator took the start
	Ended   time.Time
	Undone  []string // services whose steps were undone, in the order of undoing
}

// ID is the saga's ID.
func (s *Saga) ID() string { return s.id }

// Wait waits for the saga's outcome, which is seen only when it is committed. A saga that is halted has none yet. For a start
// that repeats an idempotency key, only an outcome of after the client's first start is seen.
func (s *Saga) Wait(ctx context.Context) (Outcome, error) {
	if s.waiter == nil {
		return Outcome{}, errors.New("skald: the saga was started WithoutWait")
	}
	select {
	case <-s.waiter.done:
		return s.waiter.outcome, s.waiter.err
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("skald: saga %s has no outcome yet: %w", s.id, ctx.Err())
	}
}
