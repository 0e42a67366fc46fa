package skald

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/skald-saga/skald/internal/engine"
)

// TopicSpec is a topic that services need.
type TopicSpec struct {
	Name       string `json:"name"` // with the prefix
	Partitions int32  `json:"partitions"`

	// Configs are topic settings by Kafka's names; values of others are the cluster's own defaults, as is the replication factor.
	Configs map[string]string `json:"configs,omitempty"`
}

// Topics gives the topics that services need, sorted by name, as [Run] would create them: for an administrator who creates them
// where services may not. The dead-letter topic and those of open-loop events may have any number of partitions, and
// settings may differ except for max.message.bytes of ledgers, inboxes and the dead-letter topic. It connects to nothing.
func Topics(cfg Config, services ...*Service) ([]TopicSpec, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := Check(services...); err != nil {
		return nil, fmt.Errorf("skald: these services can't run:\n%w", err)
	}
	byName := map[string]TopicSpec{}
	for _, s := range services {
		for _, spec := range engine.TopicSpecs(cfg.namespace(), cfg.Partitions, s.engineService(cfg.Codec)) {
			byName[spec.Name] = TopicSpec(spec)
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b TopicSpec) int { return cmp.Compare(a.Name, b.Name) }), nil
}
