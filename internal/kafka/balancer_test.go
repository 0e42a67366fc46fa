package kafka

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

type assigned = map[string][]int32

// balanced runs the balancer as a group's leader does, over the wire format.
func balanced(t *testing.T, members []kmsg.JoinGroupResponseMember, partitions map[string]int32) map[string]assigned {
	t.Helper()
	b := NewBalancer()
	mb, topics, err := b.MemberBalancer(members)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int32{}
	for topic := range topics {
		if n, ok := partitions[topic]; ok {
			known[topic] = n
		}
	}
	into, err := mb.(kgo.GroupMemberBalancerOrError).BalanceOrError(known)
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]assigned{}
	for _, a := range into.IntoSyncAssignment() {
		if result[a.MemberID], err = b.ParseSyncAssignment(a.MemberAssignment); err != nil {
			t.Fatal(err)
		}
	}
	return result
}

// remember lets a member's balancer hear of an assignment.
func remember(t *testing.T, b kgo.GroupBalancer, owned assigned) {
	t.Helper()
	var a kmsg.ConsumerMemberAssignment
	for topic, partitions := range owned {
		at := kmsg.NewConsumerMemberAssignmentTopic()
		at.Topic, at.Partitions = topic, partitions
		a.Topics = append(a.Topics, at)
	}
	if _, err := b.ParseSyncAssignment(a.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
}

// joining is a member that joins with what it was assigned in a generation.
func joining(t *testing.T, id string, topics []string, owned assigned, generation int32) kmsg.JoinGroupResponseMember {
	t.Helper()
	b := NewBalancer()
	if owned != nil {
		remember(t, b, owned)
	}
	m := kmsg.NewJoinGroupResponseMember()
	m.MemberID = id
	m.ProtocolMetadata = b.JoinGroupMetadata(topics, nil, generation)
	return m
}

// The rolling deploy of design section 5: the new version reads one topic more.
func TestTopicThatTheOwnerDoesNotKnowStaysUnassigned(t *testing.T) {
	partitions := map[string]int32{"in": 4, "more": 4}
	got := balanced(t, []kmsg.JoinGroupResponseMember{
		joining(t, "new", []string{"in", "more"}, nil, -1),
		joining(t, "old", []string{"in"}, assigned{"in": {0, 1, 2, 3}}, 1),
	}, partitions)
	want := map[string]assigned{
		"new": {"in": {2, 3}, "more": {2, 3}},
		"old": {"in": {0, 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}

	// The roll ends: "old" comes back as a new version under another ID.
	got = balanced(t, []kmsg.JoinGroupResponseMember{
		joining(t, "new", []string{"in", "more"}, got["new"], 2),
		joining(t, "newer", []string{"in", "more"}, nil, -1),
	}, partitions)
	want = map[string]assigned{
		"new":   {"in": {2, 3}, "more": {2, 3}},
		"newer": {"in": {0, 1}, "more": {0, 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersBeyondATopicsCount(t *testing.T) {
	got := balanced(t, []kmsg.JoinGroupResponseMember{
		joining(t, "m", []string{"large", "small", "unknown"}, nil, -1),
	}, map[string]int32{"large": 3, "small": 1})
	if diff := cmp.Diff(map[string]assigned{"m": {"large": {0, 1, 2}, "small": {0}}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJoinGroupMetadataIsTheSameEachTime(t *testing.T) {
	owned := assigned{}
	for _, topic := range []string{"a", "b", "c", "d", "e", "f"} {
		owned[topic] = []int32{1, 2}
	}
	first := joining(t, "m", []string{"a"}, owned, 1)
	for range 20 {
		if !slices.Equal(first.ProtocolMetadata, joining(t, "m", []string{"a"}, owned, 1).ProtocolMetadata) {
			t.Fatal("the bytes differ")
		}
	}
}

// What a member claims is as old as the assignment, not as the last join.
func TestGenerationOfAClaim(t *testing.T) {
	b := NewBalancer()
	claim := func(generation int32) (assigned, int32) {
		t.Helper()
		var meta kmsg.ConsumerMemberMetadata
		if err := meta.ReadFrom(b.JoinGroupMetadata([]string{"a"}, nil, generation)); err != nil {
			t.Fatal(err)
		}
		owned := assigned{}
		for _, o := range meta.OwnedPartitions {
			owned[o.Topic] = o.Partitions
		}
		return owned, meta.Generation
	}
	check := func(what string, joined int32, wantOwned assigned, want int32) {
		t.Helper()
		owned, generation := claim(joined)
		if diff := cmp.Diff(wantOwned, owned); diff != "" || generation != want {
			t.Errorf("%s: generation %d, want %d; owned: %s", what, generation, want, diff)
		}
	}

	check("a new member", -1, assigned{}, -1)
	remember(t, b, assigned{"a": {1}})
	check("assigned in generation 4", 4, assigned{"a": {1}}, 4)
	check("joined 5, but got no assignment", 5, assigned{"a": {1}}, 4)
	check("fell out of the group", -1, assigned{"a": {1}}, 4)
	remember(t, b, assigned{"a": {2}})
	check("assigned in generation 6", 6, assigned{"a": {2}}, 6)
	remember(t, b, assigned{"a": {3}})
	check("fell out at once", -1, assigned{"a": {3}}, -1)
	remember(t, b, assigned{})
	check("assigned nothing", 8, assigned{}, 8)
}

// instance is one process of a service, and what it owns now.
type instance struct {
	client *kgo.Client
	mu     sync.Mutex
	owns   assigned
	stop   func()
}

func (i *instance) assigned() assigned {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.owns)
}

// startInstance joins the group; changed gets a token at each change of what it owns.
func startInstance(t *testing.T, b brokertest.Broker, changed chan<- struct{}, topics ...string) *instance {
	t.Helper()
	i := &instance{}
	set := func(owns assigned) {
		i.mu.Lock()
		i.owns = owns
		i.mu.Unlock()
		select {
		case changed <- struct{}{}:
		default: // A token is waiting already.
		}
	}
	i.client = newClient(t, b,
		kgo.ConsumerGroup(b.Prefix+"service"), kgo.ConsumeTopics(topics...), kgo.Balancers(NewBalancer()),
		kgo.SessionTimeout(6*time.Second), kgo.RebalanceTimeout(5*time.Second), kgo.HeartbeatInterval(50*time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, owns map[string][]int32) { set(owns) }),
		kgo.OnPartitionsRevoked(func(context.Context, *kgo.Client, map[string][]int32) { set(nil) }),
		kgo.OnPartitionsLost(func(context.Context, *kgo.Client, map[string][]int32) { set(nil) }),
	)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			i.client.PollFetches(ctx)
		}
	}()
	i.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		i.client.Close() // Leaves the group.
		set(nil)
	})
	t.Cleanup(i.stop)
	return i
}

// await waits until the instances own what is wanted, in the order given.
func await(t *testing.T, changed <-chan struct{}, what string, ok func() bool, instances ...*instance) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-changed:
		case <-timeout:
			for n, i := range instances {
				t.Logf("instance %d owns %v", n, i.assigned())
			}
			t.Fatalf("waiting for %s: timed out", what)
		}
	}
}

func TestGroupOnABroker(t *testing.T) { brokertest.Each(t, testGroupOnABroker) }

func testGroupOnABroker(t *testing.T, b brokertest.Broker) {
	in, inbox, more := b.Prefix+"in", b.Prefix+"inbox", b.Prefix+"more"
	admin := newClient(t, b)
	if err := EnsureTopics(testContext(t), admin, []TopicSpec{{Name: in, Partitions: 4}, {Name: inbox, Partitions: 4}, {Name: more, Partitions: 4}}); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	owns := func(i *instance, topic string, n int) func() bool {
		return func() bool { return len(i.assigned()[topic]) == n }
	}
	both := func(a, b func() bool) func() bool { return func() bool { return a() && b() } }

	first := startInstance(t, b, changed, in, inbox)
	await(t, changed, "the first to own all", owns(first, in, 4), first)

	// One joins, with one topic more. Whichever numbers it owns, it owns them
	// of all three; the others of "more" are nobody's.
	second := startInstance(t, b, changed, in, inbox, more)
	await(t, changed, "two to share", both(owns(first, in, 2), owns(second, in, 2)), first, second)
	for n, i := range []*instance{first, second} {
		got := i.assigned()
		want := assigned{in: got[in], inbox: got[in]}
		if i == second {
			want[more] = got[in]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("instance %d: %s", n, diff)
		}
	}

	// A third joins, and takes one number of one of them.
	had := [][]int32{first.assigned()[in], second.assigned()[in]}
	third := startInstance(t, b, changed, in, inbox, more)
	await(t, changed, "three to share", both(owns(third, in, 1), func() bool {
		return len(first.assigned()[in])+len(second.assigned()[in]) == 3
	}), first, second, third)
	for n, i := range []*instance{first, second} {
		for _, p := range i.assigned()[in] {
			if !slices.Contains(had[n], p) {
				t.Errorf("instance %d had %v and got %d", n, had[n], p)
			}
		}
	}

	// The old one leaves: the roll has ended, and all of "more" is owned. Who
	// stays keeps what it has.
	had = [][]int32{second.assigned()[in], third.assigned()[in]}
	first.stop()
	await(t, changed, "the rest to own all of it", both(owns(second, more, 2), owns(third, more, 2)), second, third)
	for n, i := range []*instance{second, third} {
		got := i.assigned()
		if diff := cmp.Diff(assigned{in: got[in], inbox: got[in], more: got[in]}, got); diff != "" {
			t.Error(diff)
		}
		for _, p := range had[n] {
			if !slices.Contains(got[in], p) {
				t.Errorf("one had %v and lost %d", had[n], p)
			}
		}
	}
}
