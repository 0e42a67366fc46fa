package embedded

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestTopicsThatAreRefused(t *testing.T) {
	b := startBroker(t)
	adm := kadm.NewClient(newClient(t, b))
	for _, test := range []struct {
		topic      string
		partitions int32
		configs    map[string]string
		want       *kerr.Error
	}{
		{topic: "good", partitions: 1},
		{topic: "forever", partitions: 1, configs: map[string]string{"retention.ms": "-1", "max.message.bytes": "8388608"}},
		{topic: "unknown-config", partitions: 1, configs: map[string]string{"file.delete.delay.ms": "x"}},
		{topic: "no spaces", partitions: 1, want: kerr.InvalidTopicException},
		{topic: "../../etc", partitions: 1, want: kerr.InvalidTopicException},
		{topic: "..", partitions: 1, want: kerr.InvalidTopicException},
		{topic: strings.Repeat("x", 250), partitions: 1, want: kerr.InvalidTopicException},
		{topic: "huge", partitions: 2_000_000_000, want: kerr.InvalidPartitions},
		{topic: "typo", partitions: 1, configs: map[string]string{"retention.ms": "7 days"}, want: kerr.InvalidConfig},
		{topic: "tiny", partitions: 1, configs: map[string]string{"segment.bytes": "1"}, want: kerr.InvalidConfig},
	} {
		configs := map[string]*string{}
		for k, v := range test.configs {
			configs[k] = &v
		}
		resp, err := adm.CreateTopics(testContext(t), test.partitions, -1, configs, test.topic)
		if err != nil {
			t.Fatal(err)
		}
		got := resp[test.topic]
		if test.want == nil && got.Err != nil || test.want != nil && !errors.Is(got.Err, test.want) {
			t.Errorf("%.50q: got %v, want %v", test.topic, got.Err, test.want)
		}
		if test.want != nil && got.ErrMessage == "" {
			t.Errorf("%.50q: refused without a message", test.topic)
		}
	}
}

// A refused topic takes the others of its request with it, and says so.
func TestTopicsBesideARefusedOne(t *testing.T) {
	b := startBroker(t)
	adm := kadm.NewClient(newClient(t, b))
	resp, err := adm.CreateTopics(testContext(t), 1, -1, nil, "good", "not good")
	if err != nil {
		t.Fatal(err)
	}
	if resp["good"].Err == nil || !strings.Contains(resp["good"].ErrMessage, "another part") {
		t.Errorf("got %+v", resp["good"])
	}
	topics, err := adm.ListTopics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(topics) != 0 {
		t.Errorf("created %v", topics.Names())
	}
}

func TestPartitionsThatAreRefused(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b)
	createTopic(t, cl, 1, nil, "t")
	adm := kadm.NewClient(cl)
	for count, want := range map[int]error{3: nil, 2_000_000_000: kerr.InvalidPartitions} {
		resp, err := adm.UpdatePartitions(testContext(t), count, "t")
		if err != nil {
			t.Fatal(err)
		}
		if got := resp["t"].Err; !errors.Is(got, want) {
			t.Errorf("%d partitions: got %v, want %v", count, got, want)
		}
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	b := startBroker(t)
	cl := newClient(t, b)
	createTopic(t, cl, 1, nil, "t")
	adm := kadm.NewClient(cl)
	set := func(name, value string) []kadm.AlterConfig {
		return []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}
	}
	for _, alter := range []struct {
		name string
		do   func() (kadm.AlterConfigsResponses, error)
		want error
	}{
		{"number", func() (kadm.AlterConfigsResponses, error) {
			return adm.AlterTopicConfigs(testContext(t), set("retention.ms", "1000"), "t")
		}, nil},
		{"typo", func() (kadm.AlterConfigsResponses, error) {
			return adm.AlterTopicConfigs(testContext(t), set("retention.ms", "soon"), "t")
		}, kerr.InvalidConfig},
		{"typo, whole state", func() (kadm.AlterConfigsResponses, error) {
			return adm.AlterTopicConfigsState(testContext(t), set("retention.ms", "soon"), "t")
		}, kerr.InvalidConfig},
		{"of the broker", func() (kadm.AlterConfigsResponses, error) {
			return adm.AlterBrokerConfigs(testContext(t), set("log.cleaner.backoff.ms", "0"), 0)
		}, kerr.InvalidRequest},
	} {
		resp, err := alter.do()
		if err != nil {
			t.Fatal(err)
		}
		if got := resp[0].Err; !errors.Is(got, alter.want) {
			t.Errorf("%s: got %v, want %v", alter.name, got, alter.want)
		}
	}
}
