package engine

import (
	"context"
	"maps"
	"slices"
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
	err    error  // that ends the session
	nudge  func() // wakes the loop
}

// assignmentEvent is one step of a rebalance. They come in this order: lost, assigned, then restored for each partition.
//
// lost can be missing: kgo's transact session tells of it only once until a transaction ends, and an idle service goes through
// several rebalances without one. So an assignment replaces all that was before: ours is an eager protocol, everything is
// given up and restored anew.
type assignmentEvent struct {
	lost     []int32
	assigned []int32 // the whole assignment; not nil in this event
	restored *restored
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
	a.events = append(a.events, e)
	a.mu.Unlock()
	a.nudge()
}

func (a *assignment) take() ([]assignmentEvent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	events := a.events
	a.events = nil
	return events, a.err
}

func (a *assignment) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// reset is for a new session, which knows nothing yet.
func (a *assignment) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events, a.err = nil, nil
}

func (a *assignment) onAssigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	a.add(assignmentEvent{assigned: numbers(assigned)})
}

func (a *assignment) onLost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	a.add(assignmentEvent{lost: numbers(lost)})
}

// numbers gives the partition numbers of all topics, never nil.
func numbers(byTopic map[string][]int32) []int32 {
	all := []int32{}
	for _, partitions := range byTopic {
		all = append(all, partitions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// applyAssignment brings the loop's ledgers up to date.
func (s *Session) applyAssignment() error {
	events, err := s.assignment.take()
	if err != nil {
		return err
	}
	for _, e := range events {
		for _, partition := range e.lost {
			delete(s.ledgers, partition)
			delete(s.consumed, partition)
			maps.DeleteFunc(s.unreadable, func(at place, _ *kgo.ErrDecompressTooLarge) bool { return at.partition == partition })
		}
		if e.assigned != nil {
			clear(s.ledgers)
			clear(s.consumed)
			clear(s.unreadable) // whoever reads from the committed offset meets it anew
			s.executions.abandon(func(partition int32) bool { return slices.Contains(e.assigned, partition) })
			s.cfg.Joined(s.service.Name)
		}
		if r := e.restored; r != nil {
			s.ledgers[r.partition], s.consumed[r.partition] = r.ledger, r.consumed
			s.metrics.replayed.Add(float64(r.replayed))
		}
	}
	if len(events) > 0 {
		s.vitals.owns(s.owned())
	}
	return nil
}
