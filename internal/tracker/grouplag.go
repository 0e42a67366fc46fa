package tracker

import (
	"maps"
	"slices"
)

// groupLag is what a service hasn't read yet, by topic without the namespace prefix and by partition. nil is unknown.
type groupLag map[string]map[int32]int64

func (g groupLag) total() int64 {
	if g == nil {
		return UnknownLag
	}
	n := int64(0)
	for _, t := range g.topics() {
		n += t.Lag
	}
	return n
}

func (g groupLag) topics() (all []TopicLag) {
	for _, topic := range slices.Sorted(maps.Keys(g)) {
		t := TopicLag{Topic: topic}
		for _, n := range g[topic] {
			t.Lag += n
		}
		all = append(all, t)
	}
	return all
}

func (g groupLag) of(partitions []int32) int64 {
	if g == nil {
		return UnknownLag
	}
	n := int64(0)
	for _, byPartition := range g {
		for _, p := range partitions {
			n += byPartition[p]
		}
	}
	return n
}
