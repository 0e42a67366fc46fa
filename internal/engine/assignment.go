package engine

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/ledger"
)

// assignment is the mailbox between the group's callbacks, which run on the client's goroutines, and the loop.
//
// Why the loop may take its time to look: while it holds a batch no rebalance happens (BlockRebalanceOnPoll). Between batches
// a partition may be lost, restored from the log by its new owner, and even come back. A transaction that the loop
// commits in between is refused: the session's revoked flag aborts it, and elsewhere the group's generation does, as every
// transaction carries offsets. So the loop only has to look before it handles what a poll has returned.
type assignment struct {
	mu     sync.Mutex
	events []assignmentEvent
	fatal  error
}

// assignmentEvent is one step: partitions lost, one restored, or an assignment completed.
type assignmentEvent struct {
	lost     []int32
	restored *restored
	assigned bool
}

// restored is a partition's state as of its assignment.
type restored struct {
	partition int32
	ledger    *ledger.Ledger
	consumed  map[string]int64
	replayed  int
}

func (a *assignment) add(e assignmentEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *assignment) take() ([]assignmentEvent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	events := a.events
	a.events = nil
	return events, a.fatal
}

func (a *assignment) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fatal = err
}

// reset is for a new session, which knows nothing yet.
func (a *assignment) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events, a.fatal = nil, nil
}

func (a *assignment) onAssigned(context.Context, *kgo.Client, map[string][]int32) {
	a.add(assignmentEvent{assigned: true})
}

func (a *assignment) onLost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	var e assignmentEvent
	for _, partitions := range lost {
		e.lost = append(e.lost, partitions...)
	}
	a.add(e)
}

// applyAssignment brings the loop's ledgers up to date.
func (s *Session) applyAssignment() error {
	events, fatal := s.assignment.take()
	if fatal != nil {
		return &finalError{fatal}
	}
	for _, e := range events {
		for _, partition := range e.lost {
			delete(s.ledgers, partition)
			delete(s.consumed, partition)
		}
		if r := e.restored; r != nil {
			s.ledgers[r.partition], s.consumed[r.partition] = r.ledger, r.consumed
			s.metrics.replayed.Add(float64(r.replayed))
		}
		if e.assigned {
			s.executions.abandon(func(partition int32) bool { return s.ledgers[partition] != nil })
			s.cfg.Joined(s.service.Name)
		}
	}
	return nil
}
