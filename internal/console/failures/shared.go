package failures

import (
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/console/backend"
)

// freshFor is how long what was looked up is good for, although the tracker has changed since: clients look ten times a second, and
// counting hundreds of thousands of letters takes a while.
const freshFor = 500 * time.Millisecond

// shared is what clients that look at the same share. Its zero value is ready.
type shared[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K]kept[V]
}

type kept[V any] struct {
	value V
	seq   int64
	at    time.Time
}

// get gives what was looked up last, or looks.
func (s *shared[K, V]) get(t backend.Tracker, key K, look func() (V, error)) (V, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq, _ := t.Changed()
	now := time.Now()
	if last, ok := s.all[key]; ok && (last.seq == seq && now.Sub(last.at) < time.Minute || now.Sub(last.at) < freshFor) {
		return last.value, nil
	}
	value, err := look()
	if err != nil {
		return value, err
	}
	if s.all == nil {
		s.all = map[K]kept[V]{}
	}
	for other, last := range s.all {
		if now.Sub(last.at) > time.Minute {
			delete(s.all, other)
		}
	}
	s.all[key] = kept[V]{value, seq, now}
	return value, nil
}
