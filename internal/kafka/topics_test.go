package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
)

func TestEnsureTopics(t *testing.T) { brokertest.Each(t, testEnsureTopics) }

func testEnsureTopics(t *testing.T, b brokertest.Broker) {
	a, large, more := b.Prefix+"a", b.Prefix+"large", b.Prefix+"more"
	cl := newClient(t, b)
	ctx := testContext(t)
	specs := []TopicSpec{
		{Name: a, Partitions: 4},
		{Name: large, Partitions: 1, Configs: map[string]string{"retention.ms": "-1", "max.message.bytes": "8388608"}},
	}
	for range 2 { // The second time they are there already.
		if err := EnsureTopics(ctx, cl, specs); err != nil {
			t.Fatal(err)
		}
	}
	if err := EnsureTopics(ctx, cl, slices.Concat(specs, []TopicSpec{{Name: more, Partitions: 2}})); err != nil {
		t.Fatal(err)
	}

	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopics(ctx, a, large, more)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for name, topic := range topics {
		got[name] = len(topic.Partitions)
	}
	if diff := cmp.Diff(map[string]int{a: 4, large: 1, more: 2}, got); diff != "" {
		t.Error(diff)
	}
	configs, err := adm.DescribeTopicConfigs(ctx, large)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if want, ok := specs[1].Configs[c.Key]; ok && c.MaybeValue() != want {
			t.Errorf("%s: got %s, want %s", c.Key, c.MaybeValue(), want)
		}
	}
}

// A topic can be used as soon as EnsureTopics returns: a reader that begins right
// then sees the first record well before the 5 s that it would take otherwise.
func TestFreshTopicIsReadAtOnce(t *testing.T) { brokertest.Each(t, testFreshTopic) }

func testFreshTopic(t *testing.T, b brokertest.Broker) {
	fresh := b.Prefix + "fresh"
	cl := newClient(t, b)
	ctx := testContext(t)
	if err := EnsureTopics(ctx, cl, []TopicSpec{{Name: fresh, Partitions: 4}}); err != nil {
		t.Fatal(err)
	}
	reader := newClient(t, b, kgo.ConsumeTopics(fresh))
	start := time.Now()
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: fresh, Key: []byte("k")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for reader.PollFetches(ctx).NumRecords() == 0 {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestAnotherPartitionCountIsRefused(t *testing.T) { brokertest.Each(t, testAnotherPartitionCount) }

func testAnotherPartitionCount(t *testing.T, at brokertest.Broker) {
	a, b, fresh := at.Prefix+"a", at.Prefix+"b", at.Prefix+"fresh"
	cl := newClient(t, at)
	ctx := testContext(t)
	if err := EnsureTopics(ctx, cl, []TopicSpec{{Name: a, Partitions: 12}, {Name: b, Partitions: 3}}); err != nil {
		t.Fatal(err)
	}
	err := EnsureTopics(ctx, cl, []TopicSpec{{Name: a, Partitions: 4}, {Name: b, Partitions: 4}, {Name: fresh, Partitions: 4}})
	if _, ok := errors.AsType[*PartitionCountError](err); !ok {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{a + `" has 12 partitions, but 4`, b + `" has 3 partitions, but 4`, "Configure 12 partitions"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}
	topics, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if topics.Has(fresh) {
		t.Error("a topic was created beside the refused ones")
	}
}

// A topic that somebody gave more partitions while sagas were in it is refused, and the words don't say to follow suit.
func TestGrownTopicIsRefused(t *testing.T) { brokertest.Each(t, testGrownTopic) }

func testGrownTopic(t *testing.T, b brokertest.Broker) {
	cl := newClient(t, b)
	ctx := testContext(t)
	specs := []TopicSpec{{Name: b.Prefix + "one", Partitions: 2}, {Name: b.Prefix + "grown", Partitions: 2}}
	if err := CheckTopics(ctx, cl, specs); err == nil || !strings.Contains(err.Error(), "not there") {
		t.Errorf("before they are created: %v", err)
	}
	if err := EnsureTopics(ctx, cl, specs); err != nil {
		t.Fatal(err)
	}
	if err := CheckTopics(ctx, cl, specs); err != nil {
		t.Error(err)
	}
	if grown, err := kadm.NewClient(cl).CreatePartitions(ctx, 1, specs[1].Name); err != nil || grown.Error() != nil {
		t.Fatal(err, grown.Error())
	}
	for what, check := range map[string]func(context.Context, *kgo.Client, []TopicSpec) error{"EnsureTopics": EnsureTopics, "CheckTopics": CheckTopics} {
		err := check(ctx, cl, specs)
		count, ok := errors.AsType[*PartitionCountError](err)
		if !ok || count.Have != 3 || count.Want != 2 || count.Topic != specs[1].Name {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.Contains(err.Error(), "Somebody changed") || strings.Contains(err.Error(), "Configure 3") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What an administrator gets to type makes the same topics.
func TestTopicCommands(t *testing.T) {
	b := brokertest.Apache(t)
	specs := []TopicSpec{
		{Name: b.Prefix + "typed", Partitions: 3, Configs: map[string]string{"retention.ms": "-1", "max.message.bytes": "8388608"}},
		{Name: b.Prefix + "plain", Partitions: 1},
	}
	commands := Connection{Brokers: b.Addrs}.TopicCommands(specs)
	want := []string{
		"kafka-topics.sh --bootstrap-server " + strings.Join(b.Addrs, ",") + " --create --if-not-exists --topic " + b.Prefix + "typed --partitions 3 --config max.message.bytes=8388608 --config retention.ms=-1",
		"kafka-topics.sh --bootstrap-server " + strings.Join(b.Addrs, ",") + " --create --if-not-exists --topic " + b.Prefix + "plain --partitions 1",
	}
	if diff := cmp.Diff(want, commands); diff != "" {
		t.Error(diff)
	}
	run(t, strings.Join(commands, " && "))
	cl := newClient(t, b)
	if err := CheckTopics(testContext(t), cl, specs); err != nil {
		t.Error(err)
	}
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(testContext(t), specs[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if want, ok := specs[0].Configs[c.Key]; ok && c.MaybeValue() != want {
			t.Errorf("%s: got %s, want %s", c.Key, c.MaybeValue(), want)
		}
	}
}

func TestTopicsThatTheUserMayNotCreate(t *testing.T) {
	cluster := secured(t)
	c := Connection{Brokers: cluster.AddrsOf(withLogin), SASL: logins(t)[ScramSHA512]}
	cl := newClientOf(t, c)
	specs := []TopicSpec{{Name: "denied-1", Partitions: 3}, {Name: "denied-2", Partitions: 3}}

	err := EnsureTopics(testContext(t), cl, specs)
	if access, ok := errors.AsType[*AccessError](err); !ok || !strings.HasPrefix(access.Name, "denied-") {
		t.Errorf("without any ACL: %v", err)
	}
	if e := c.Explain(err); !strings.Contains(e.String(), "--topic denied-") || e.Retry {
		t.Errorf("without any ACL: %v", e)
	}

	run(t, allowing(cluster, "User:alice", "--resource-pattern-type prefixed --topic denied- --operation Describe"))
	err = EnsureTopics(testContext(t), cl, specs)
	denied, ok := errors.AsType[*CreateDeniedError](err)
	if !ok {
		t.Fatalf("with Describe alone: %v", err)
	}
	if diff := cmp.Diff(c.TopicCommands(specs), denied.Commands); diff != "" {
		t.Error(diff)
	}
	for _, want := range append(denied.Commands, "User:alice may not create topics", "denied-1, denied-2") {
		if !strings.Contains(err.Error(), want) || !strings.Contains(c.Explain(err).String(), want) {
			t.Errorf("it lacks %q: %v\n%v", want, err, c.Explain(err))
		}
	}
	for _, command := range denied.Commands {
		run(t, asAdmin(cluster, c, command))
	}
	if err := EnsureTopics(testContext(t), cl, specs); err != nil {
		t.Errorf("once an administrator has created them: %v", err)
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"team-a.new_user": "team-a.new_user", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "": "''"} {
		if got := Quote(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}

func TestManyMayEnsureAtOnce(t *testing.T) { brokertest.Each(t, testManyAtOnce) }

func testManyAtOnce(t *testing.T, b brokertest.Broker) {
	specs := make([]TopicSpec, 0, 5)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		specs = append(specs, TopicSpec{Name: b.Prefix + name, Partitions: 4})
	}
	var all sync.WaitGroup
	for i := range 8 {
		cl := newClient(t, b)
		mine := slices.Clone(specs)
		slices.Reverse(mine[:1+i%5])
		all.Go(func() {
			if err := EnsureTopics(testContext(t), cl, mine); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestTopicsThatNobodyCanCreate(t *testing.T) { brokertest.Each(t, testTopicsThatNobodyCanCreate) }

func testTopicsThatNobodyCanCreate(t *testing.T, b brokertest.Broker) {
	cl := newClient(t, b)
	for _, test := range []struct {
		specs []TopicSpec
		want  error
		says  string
	}{
		{[]TopicSpec{{Name: "not a name", Partitions: 1}}, kerr.InvalidTopicException, `"not a name"`},
		{[]TopicSpec{{Name: b.Prefix + "typo", Partitions: 1, Configs: map[string]string{"retention.ms": "x"}}}, kerr.InvalidConfig, "retention.ms"},
		{[]TopicSpec{{Name: "", Partitions: 1}}, nil, "name"},
		{[]TopicSpec{{Name: "none", Partitions: 0}}, nil, "at least 1"},
		{[]TopicSpec{{Name: "twice", Partitions: 1}, {Name: "twice", Partitions: 2}}, nil, "two ways"},
	} {
		err := EnsureTopics(testContext(t), cl, test.specs)
		if err == nil || !strings.Contains(err.Error(), test.says) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%v: got %v", test.specs, err)
		}
	}
	if err := EnsureTopics(testContext(t), cl, nil); err != nil {
		t.Errorf("no topics: %v", err)
	}
}

func TestEnsureTopicsEndsWithItsContext(t *testing.T) {
	cl := clientAt(t, unusedAddr(t))
	ctx, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	if err := EnsureTopics(ctx, cl, []TopicSpec{{Name: "a", Partitions: 1}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
