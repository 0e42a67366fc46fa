package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/tracker/store"
)

const (
	lookEvery   = 500 * time.Millisecond
	lookSoon    = 100 * time.Millisecond // while topics are declared that aren't there yet, so at the start of everything
	soonFor     = 10 * time.Second       // then it's likely that nobody makes them
	lookTimeout = 2 * time.Second
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

// watch looks again and again for topics that have come into being, for where the log ends, and for services gone silent.
func (f *follower) watch(ctx context.Context) error {
	w := watcher{follower: f, read: map[partition]bool{}}
	soonUntil := time.Now().Add(soonFor)
	for {
		missing, err := w.look(ctx)
		now := time.Now()
		if errors.Is(err, errLogIsAnother) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		f.lag.setReachable(err == nil, now)
		f.registry.reachable(err == nil, now)
		w.say(err)
		if f.registry.expire(now) {
			f.announce(0)
		}
		pause := lookEvery
		if missing && now.Before(soonUntil) {
			pause = lookSoon
		}
		select {
		case <-time.After(pause):
		case <-f.declared:
			soonUntil = time.Now().Add(soonFor)
		case <-ctx.Done():
			return nil
		}
	}
}

type watcher struct {
	*follower
	read        map[partition]bool // partitions that the client was told to read
	registryEnd map[partition]int64
	failing     bool
}

// say logs once that the broker is gone and once that it's back.
func (w *watcher) say(err error) {
	if failing := err != nil; failing != w.failing {
		w.failing = failing
		if failing {
			w.cfg.Logger.Warn("the tracker can't reach Kafka and shows what it has read so far", "error", err)
		} else {
			w.cfg.Logger.Info("the tracker reaches Kafka again")
		}
	}
}

// look is one round. missing says that topics are declared which aren't there.
func (w *watcher) look(ctx context.Context) (missing bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	wanted := slices.Sorted(maps.Keys(w.registry.topics(w.cfg.Namespace)))
	response, err := w.metadata(ctx, wanted)
	if err != nil {
		return false, err
	}
	if cluster := clusterOf(response); cluster != w.cluster {
		return false, fmt.Errorf("%w: cluster %s, before %s", errLogIsAnother, cluster, w.cluster)
	}
	for _, t := range response.Topics {
		if t.ErrorCode != 0 || t.Topic == nil {
			missing = true
			continue
		}
		if err := w.found(*t.Topic, t.TopicID); err != nil {
			return false, err
		}
	}
	return missing, w.measure(ctx)
}

func (w *watcher) found(name string, id [16]byte) error {
	src := sourceOf(w.cfg.Namespace, name)
	if known, ok := w.topics.get(name); ok {
		if known.KafkaID != id {
			return fmt.Errorf("%w: topic %s was made anew", errLogIsAnother, name)
		}
		return nil
	}
	w.topics.add(name, topic{src, store.Topic{Name: src.name, KafkaID: id}})
	return nil
}

// measure asks where the log begins and ends, and has new partitions read. One is read only once its leader answers: what a
// client asks of it before that makes its first records seconds late.
func (w *watcher) measure(ctx context.Context) error {
	at := time.Now()
	topics := w.topics.names()
	if len(topics) == 0 {
		return nil
	}
	starts, err := w.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	listed, err := w.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	ends, passed := map[partition]int64{}, map[partition]int64{}
	add := map[string]map[int32]kgo.Offset{}
	for name, partitions := range listed {
		for id, end := range partitions {
			start, ok := starts.Lookup(name, id)
			if id < 0 || end.Err != nil || !ok || start.Err != nil {
				continue
			}
			p := partition{name, id}
			ends[p], passed[p] = end.Offset, start.Offset
			if !w.read[p] {
				w.read[p] = true
				if add[name] == nil {
					add[name] = map[int32]kgo.Offset{}
				}
				add[name][id], passed[p] = w.beginAt(name, id, start.Offset)
			}
		}
	}
	w.client.AddConsumePartitions(add)
	w.lag.readTo(passed)
	w.lag.looked(ends, at)
	w.hear(ends)
	return nil
}

// beginAt says where to read a partition from, and up to where it's read by that.
func (w *watcher) beginAt(name string, id int32, start int64) (kgo.Offset, int64) {
	t, _ := w.topics.get(name)
	next, ok := w.positions[t.Topic][id]
	if !ok || next < start {
		return kgo.NewOffset().AtStart(), start
	}
	return kgo.NewOffset().At(next), next
}

// hear tells the registry when its backlog has been read.
func (w *watcher) hear(ends map[partition]int64) {
	registry := w.cfg.Namespace.Services()
	if w.registryEnd == nil {
		for p, end := range ends {
			if p.topic == registry {
				if w.registryEnd == nil {
					w.registryEnd = map[partition]int64{}
				}
				w.registryEnd[p] = end
			}
		}
	}
	if w.registryEnd != nil && w.lag.hasRead(w.registryEnd) {
		w.registry.heartbeatsAreLive()
	}
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
