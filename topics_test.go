package skald_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/skald-saga/skald"
)

func TestTopics(t *testing.T) {
	specs, err := skald.Topics(skald.Config{Prefix: "team-a.", Partitions: 24}, provisioner(), authorizer(), notifier())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]skald.TopicSpec{}
	names := make([]string, 0, len(specs))
	for _, spec := range specs {
		byName[spec.Name] = spec
		names = append(names, spec.Name)
	}
	if len(byName) != len(specs) || !slices.IsSorted(names) {
		t.Errorf("not sorted, or not each once: %v", names)
	}
	for name, want := range map[string]struct {
		partitions      int32
		setting, equals string
	}{
		"authorize":               {24, "", ""},
		"skald.authorizer.ledger": {24, "max.message.bytes", "16777216"},
		"skald.notifier.inbox":    {24, "max.message.bytes", "16777216"},
		"skald.dlq":               {24, "retention.ms", "-1"},
		"skald.services":          {1, "message.timestamp.type", "LogAppendTime"},
	} {
		if got := byName["team-a."+name]; got.Partitions != want.partitions || got.Configs[want.setting] != want.equals {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if _, err := skald.Topics(skald.Config{}, authorizer(), authorizer()); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
}

// Settings that can't connect are refused before anything connects, by whatever takes a Config.
func TestSecurityIsCheckedFirst(t *testing.T) {
	for says, cfg := range map[string]skald.Config{
		"Config.TLS.CAFile":   {TLS: &skald.TLS{CAFile: "no-such-file"}},
		"Config.SASL.User":    {SASL: &skald.SASL{Mechanism: "PLAIN", Password: "p"}},
		"Config.SASL.Token":   {SASL: &skald.SASL{Mechanism: "OAUTHBEARER"}},
		`Config.Brokers: "no`: {Brokers: []string{"no port"}},
	} {
		_, clientErr := skald.NewClient(cfg)
		_, topicsErr := skald.Topics(cfg, authorizer())
		for what, err := range map[string]error{"Run": skald.Run(context.Background(), cfg, authorizer()), "NewClient": clientErr, "Topics": topicsErr} {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: it lacks %q: %v", what, says, err)
			}
		}
	}
}
