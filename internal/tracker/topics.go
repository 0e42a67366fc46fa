package tracker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// topic is a topic that is read.
type topic struct {
	source
	store.Topic
}

// followed are the topics that are read, by their names on the broker. Safe for concurrent use.
type followed struct {
	mu  sync.RWMutex
	all map[string]topic
}

func (f *followed) get(name string) (topic, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	t, ok := f.all[name]
	return t, ok
}

func (f *followed) add(name string, t topic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string]topic{}
	}
	f.all[name] = t
}

func (f *followed) names() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.all))
}

// found notes a topic that is there.
func (w *watcher) found(name string, id [16]byte) error {
	src := sourceOf(w.cfg.Namespace, name)
	if known, ok := w.topics.get(name); ok {
		if known.KafkaID != id {
			return fmt.Errorf("%w: topic %s was made anew", errLogIsAnother, name)
		}
		return nil
	}
	t := topic{src, store.Topic{Name: src.name, KafkaID: id}}
	w.topics.add(name, t)
	data := map[partition]int64{}
	for _, p := range w.dataEnds[t.Topic] {
		data[partition{name, p.Partition}] = p.Data
	}
	w.lag.readData(data)
	return nil
}

// metadata asks a broker; kadm may answer from a cache. No topics means none.
func (f *follower) metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		request.Topics = append(request.Topics, t)
	}
	response, err := request.RequestWith(ctx, f.client)
	if err != nil {
		return nil, fmt.Errorf("ask Kafka for topics: %w", err)
	}
	return response, nil
}

func clusterOf(response *kmsg.MetadataResponse) string {
	if response.ClusterID == nil {
		return "unnamed"
	}
	return *response.ClusterID
}
