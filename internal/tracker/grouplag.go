package tracker

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
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

// groupsEvery is how often the lags of services are looked at.
const groupsEvery = 2 * time.Second

// lookAtGroups finds out how far services have read their topics. What can't be told is unknown, and no reason to stop.
func (w *watcher) lookAtGroups(ctx context.Context, starts kadm.ListedOffsets, ends map[partition]int64, at time.Time) {
	if at.Sub(w.groupsAt) < groupsEvery {
		return
	}
	w.groupsAt = at
	inputs := w.registry.inputs()
	var groups []string
	for service := range inputs {
		groups = append(groups, w.cfg.Namespace.Group(service))
	}
	fetched := w.admin.FetchManyOffsets(ctx, groups...)
	lags := map[string]groupLag{}
	for service, topics := range inputs {
		group, ok := fetched[w.cfg.Namespace.Group(service)]
		if !ok || group.Err != nil || len(group.Fetched) == 0 {
			continue
		}
		lag := groupLag{}
		for p, end := range ends {
			name, _ := w.cfg.Namespace.Name(p.topic)
			if !topics[name] && p.topic != w.cfg.Namespace.Inbox(service) {
				continue
			}
			start, _ := starts.Lookup(p.topic, p.id)
			read := start.Offset // what was never read is all to be read
			if o, ok := group.Fetched.Lookup(p.topic, p.id); ok && o.Err == nil {
				read = max(read, o.At)
			}
			if lag[name] == nil {
				lag[name] = map[int32]int64{}
			}
			lag[name][p.id] = max(0, w.lag.dataEnd(p, end)-read)
		}
		lags[service] = lag
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups = lags
}

// inputs are the topics that services have declared to read, without the namespace prefix.
func (r *registry) inputs() map[string]map[string]bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := map[string]map[string]bool{}
	for key := range r.steps {
		if all[key[0]] == nil {
			all[key[0]] = map[string]bool{}
		}
		all[key[0]][key[1]] = true
	}
	return all
}
