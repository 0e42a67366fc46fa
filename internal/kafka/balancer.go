package kafka

import (
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// balancerName is the name of the protocol in the group. Members of one group
// need a protocol in common, so another way to assign needs another name.
const balancerName = "skald-by-number"

// NewBalancer assigns partition numbers rather than partitions: whoever owns
// number p owns it of every topic that it subscribes to. So all records of a
// saga, its ledger and its inbox lie with one member of the group.
//
// It is sticky: a member keeps its numbers as long as no member would have two
// more than another. A topic that the owner of p doesn't subscribe to, because
// it runs an older version in a rolling deploy, stays unassigned in p until the
// roll ends; no other member gets it. (kgo.RangeBalancer gives it to another,
// which parts a saga from its ledger.)
//
// Rebalances are eager, by the classic protocol: each member gives up all its
// partitions before any is assigned anew.
//
// It remembers what its client owned, so each client needs one of its own.
func NewBalancer() kgo.GroupBalancer { return &balancer{generation: -1} }

// balancer is both a member's memory of what it owned and, on the leader of the
// group, the one who assigns; for that it uses only what members sent.
//
// kgo does hand the current assignment to JoinGroupMetadata, but an eager client
// has given up everything by then, and so it is always empty. Hence the memory.
type balancer struct {
	mu         sync.Mutex
	owned      map[string][]int32 // as last assigned
	fresh      bool               // whether no join has followed that yet
	generation int32              // in which it was assigned; -1 if unknown
}

func (*balancer) ProtocolName() string { return balancerName }

func (*balancer) IsCooperative() bool { return false }

// ParseSyncAssignment notes what its client is going to own.
func (b *balancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	owned, err := kgo.ParseConsumerSyncAssignment(assignment)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owned, b.fresh = maps.Clone(owned), true
	return owned, nil
}

// claim is what the client owned last and the generation in which it got that.
//
// generation is the one that the client joined last. It is that of the claim only
// if an assignment came with it: a client that joined a generation, but heard of
// the next rebalance before it got its assignment, still claims what it had in
// the generation before, which others have got since.
func (b *balancer) claim(generation int32) (map[string][]int32, int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh {
		b.generation, b.fresh = generation, false
	}
	return b.owned, b.generation
}

// JoinGroupMetadata carries the claim in the fields that Kafka has for it, so
// that other tools can show it too. They are sorted, as a change of the bytes
// alone makes a broker rebalance.
func (b *balancer) JoinGroupMetadata(topics []string, _ map[string][]int32, generation int32) []byte {
	owned, generation := b.claim(generation)
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version = 2 // The first that has the generation.
	meta.Topics = topics
	meta.Generation = generation
	for _, topic := range slices.Sorted(maps.Keys(owned)) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = topic, owned[topic]
		meta.OwnedPartitions = append(meta.OwnedPartitions, o)
	}
	return meta.AppendTo(nil)
}

func (b *balancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	cb, err := kgo.NewConsumerBalancer(b, members)
	return cb, cb.MemberTopics(), err
}

// Balance is called on the leader of the group. Topics whose partition count it
// doesn't know are missing from partitions, and get assigned once they are there.
func (*balancer) Balance(b *kgo.ConsumerBalancer, partitions map[string]int32) kgo.IntoSyncAssignment {
	var members []member
	b.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		members = append(members, member{
			id:         m.MemberID,
			topics:     meta.Topics,
			owned:      ownedNumbers(meta),
			generation: meta.Generation,
		})
	})
	numbers := assign(members, partitions)

	into := b.NewPlan()
	b.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		for _, topic := range slices.Compact(meta.Topics) { // kgo has sorted them
			var of []int32
			for _, p := range numbers[m.MemberID] {
				if p < partitions[topic] {
					of = append(of, p)
				}
			}
			if len(of) > 0 {
				into.AddPartitions(m, topic, of)
			}
		}
	})
	return into
}

// ownedNumbers is what a member claims, of whichever topic.
func ownedNumbers(meta *kmsg.ConsumerMemberMetadata) []int32 {
	var numbers []int32
	for _, owned := range meta.OwnedPartitions {
		numbers = append(numbers, owned.Partitions...)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
