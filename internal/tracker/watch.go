package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
)

const (
	lookEvery   = 500 * time.Millisecond
	lookSoon    = 100 * time.Millisecond // while topics are declared that aren't there yet, so at the start of everything
	soonFor     = 10 * time.Second       // then it's likely that nobody makes them
	lookTimeout = 2 * time.Second
)

// watch looks again and again for topics that have come into being, for where the log ends, and for services gone silent.
func (f *follower) watch(ctx context.Context) error {
	w := watcher{follower: f, read: map[partition]bool{}}
	soonUntil := time.Now().Add(soonFor)
	for {
		missing, err := w.look(ctx)
		now := time.Now()
		switch {
		case errors.Is(err, errLogIsAnother), isDenied(err):
			return err
		case ctx.Err() != nil: // that is why the look failed
			return nil //nolint:nilerr // an ended context is the orderly end
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
	horizonAt   time.Time // when the log's beginning was looked at, last
	groupsAt    time.Time // the same for what services have read
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
	all := w.registry.isLive() // then what it declares is all there is to read
	wanted := slices.Sorted(maps.Keys(w.registry.topics(w.cfg.Namespace)))
	response, err := w.metadata(ctx, wanted)
	if err != nil {
		return false, err
	}
	if cluster := clusterOf(response); cluster != w.cluster {
		return false, fmt.Errorf("%w: cluster %s, before %s", errLogIsAnother, cluster, w.cluster)
	}
	var denied error
	for _, t := range response.Topics {
		if t.ErrorCode == kerr.TopicAuthorizationFailed.Code && t.Topic != nil {
			denied = errors.Join(denied, kafka.About(kerr.TopicAuthorizationFailed, kafka.Topic, *t.Topic, readTopic...))
		}
		if t.ErrorCode != 0 || t.Topic == nil {
			missing = true
			continue
		}
		if err := w.found(*t.Topic, t.TopicID); err != nil {
			return false, err
		}
	}
	if denied != nil {
		return false, denied
	}
	return missing, w.measure(ctx, all)
}

// readTopic is what the tracker needs to be allowed to do.
var readTopic = []string{"Describe", "Read"}

func isDenied(err error) bool {
	_, denied := errors.AsType[*kafka.AccessError](err)
	return denied
}

// measure asks where the log begins and ends, and has new partitions read. One is read only once its leader answers: what a
// client asks of it before that makes its first records seconds late.
func (w *watcher) measure(ctx context.Context, all bool) error {
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
			if !w.read[p] && !w.standby {
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
	w.lag.looked(ends, all, at)
	if err := w.lookAtStarts(ctx, starts, at); err != nil {
		return err
	}
	w.lookAtGroups(ctx, starts, ends, at)
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
