package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// A process with a slot is a static member of its service's group (KIP-345): one that comes back under the same slot within the session
// timeout gets the same partitions without a rebalance. Its transactional ID is the slot's, too, so it can abort at once what its former
// life left open. Without a slot a process is a dynamic member under the ID of its instance.

// MaxSlotName is how long a slot's name may be: with the service's it must fit into Kafka's 249 letters for an instance ID.
const MaxSlotName = 40

func instanceID(service, slot string) string { return service + "-" + slot }

func (s *Session) transactionalID() string {
	member := s.cfg.Instance
	if s.cfg.Slot != "" {
		member = "slot-" + s.cfg.Slot
	}
	return s.cfg.Namespace.Group(s.service.Name) + "." + member
}

func (s *Session) membership() []kgo.Opt {
	if s.cfg.Slot == "" {
		return []kgo.Opt{kgo.OnPartitionsAssigned(s.assignment.onAssigned)}
	}
	first := true
	return []kgo.Opt{
		kgo.InstanceID(instanceID(s.service.Name, s.cfg.Slot)),
		kgo.OnPartitionsAssigned(func(ctx context.Context, client *kgo.Client, assigned map[string][]int32) {
			if first {
				first = false
				s.settleIn(ctx, client, assigned)
			}
			s.assignment.onAssigned(ctx, client, assigned)
		}),
	}
}

// settleIn is what a static member does once it has joined, before the offsets of its partitions are asked for.
//
// Only now does it take the transactional ID over. Were that done before the join, a process whose slot is taken could be
// fenced as a producer while the group still names it as the slot's holder; it would join again, and fence the other in turn. And it must
// be done before the offsets are asked for: while a former life's transaction is open, the client would wait a second for them.
func (s *Session) settleIn(ctx context.Context, client *kgo.Client, assigned map[string][]int32) {
	if err := s.takeOver(ctx, client); err != nil {
		s.assignment.fail(err)
		return
	}
	if s.lacks(assigned) {
		client.ForceRebalance()
	}
}

// lacks says whether an assignment leaves out a topic of this service. A static member that comes back is given what its former life
// had, though it may be of a version that reads one topic more, and the group's leader doesn't hear of it until the next rebalance.
func (s *Session) lacks(assigned map[string][]int32) bool {
	owned := numbers(assigned)
	return slices.ContainsFunc(s.inputs(), func(topic string) bool { return len(assigned[topic]) < len(owned) })
}

// slotTaken is an error if another process holds this one's slot now. cause is what ended the session: one that says so outright, or
// one that may come of it, as another's takeover fences this one's transactions. To join again in that case would fence the other.
//
// The holder is known by its member ID, which is new with each takeover. (Its client ID isn't: Kafka keeps the one that took the slot
// first.) A session that never learned its own can't tell; it joins, and whoever is the older then is told.
func (s *Session) slotTaken(ctx context.Context, cause error) error {
	if s.cfg.Slot == "" {
		return nil
	}
	now := s.lookAtSlot(ctx)
	if !taken(now, s.before, s.member, errors.Is(cause, kerr.FencedInstanceID)) {
		return nil
	}
	s.leftOpen = false // the other has aborted it, and must not be fenced by an abort of this one
	return &finalError{fmt.Errorf("slot %q was taken by another process: each process of a service needs a slot of its own, so stop one "+
		"of the two or give it another slot (this one is instance %q)", s.cfg.Slot, s.cfg.Instance)}
}

// slotSeen is who held a slot when it was looked at.
type slotSeen struct {
	known  bool
	member string // "" if nobody did
}

// taken says whether another process has taken the slot from member, which found it as before said and was then fenced, or not.
//
// That it was fenced doesn't say so alone: a coordinator that takes over from one that died may not have heard of the latest takeover,
// and names the member that this one had followed. That one is dead or will hear of it in its turn, so this one joins again.
func taken(now, before slotSeen, member string, fenced bool) bool {
	switch {
	case !now.known:
		return fenced
	case now.member == "" || now.member == member || before.known && now.member == before.member:
		return false
	}
	return fenced || member != ""
}

// lookAtSlot asks who holds the slot.
func (s *Session) lookAtSlot(ctx context.Context) slotSeen {
	ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	holder, err := s.slotHolder(ctx)
	if err != nil {
		s.logger.Debug("who holds the slot is not known", "slot", s.cfg.Slot, "error", err)
	}
	return slotSeen{err == nil, holder}
}

// slotHolder gives the ID of the member that holds the slot, "" if none does.
func (s *Session) slotHolder(ctx context.Context) (string, error) {
	group := s.cfg.Namespace.Group(s.service.Name)
	described, err := s.kadm().DescribeGroups(ctx, group)
	if err == nil {
		err = described.Error()
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	id := instanceID(s.service.Name, s.cfg.Slot)
	for _, m := range described[group].Members {
		if m.InstanceID != nil && *m.InstanceID == id {
			return m.MemberID, nil
		}
	}
	return "", nil
}

// Leave takes slots out of a service's group, so that their partitions go to the other members at once. It gives those that were no
// members.
func Leave(ctx context.Context, client *kgo.Client, ns wire.Namespace, service string, slots ...string) (absent []string, err error) {
	var ids []string
	for _, slot := range slots {
		ids = append(ids, instanceID(service, slot))
	}
	left, err := kadm.NewClient(client).LeaveGroup(ctx, kadm.LeaveGroup(ns.Group(service)).InstanceIDs(ids...).Reason("the slot was given up"))
	switch {
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.GroupIDNotFound):
		return slots, nil
	case err != nil:
		return nil, err
	}
	for i, slot := range slots {
		switch err := left[ids[i]].Err; {
		case errors.Is(err, kerr.UnknownMemberID):
			absent = append(absent, slot)
		case err != nil:
			return absent, fmt.Errorf("slot %q: %w", slot, err)
		}
	}
	return absent, nil
}
