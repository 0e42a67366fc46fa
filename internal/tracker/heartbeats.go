package tracker

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// missedHeartbeats is how many may be missing before an instance counts as down.
const missedHeartbeats = 3

// heartbeatsAreLive says that the registry's backlog has been read: from now on a heartbeat counts from when it came, so that
// a sender's clock that is off doesn't matter.
func (r *registry) heartbeatsAreLive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = true
}

func (r *registry) isLive() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.live
}

// reachable notes whether the broker answers. While it doesn't, nobody can be heard and nobody is thought dead for it.
func (r *registry) reachable(yes bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !yes && r.deaf.IsZero():
		r.deaf = now
	case yes && !r.deaf.IsZero():
		for _, i := range r.instances {
			i.heard = i.heard.Add(now.Sub(r.deaf))
		}
		r.deaf = time.Time{}
	}
}

// expire looks for instances that have gone silent, and says whether there are any since the last look.
func (r *registry) expire(now time.Time) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.instances {
		if up := r.isUp(i, now); up != i.up {
			i.up, changed = up, true
		}
	}
	return changed
}

func (r *registry) isUp(i *instance, now time.Time) bool {
	if !r.deaf.IsZero() {
		now = r.deaf
	}
	every := time.Duration(i.Every) * time.Millisecond
	return !i.Stopped && now.Sub(i.heard) < missedHeartbeats*every
}

// services tells of all services by name, and of their instances, those that were started last first.
func (r *registry) services(now time.Time) []Service {
	r.mu.RLock()
	defer r.mu.RUnlock()
	byName := map[string][]Instance{}
	for _, i := range r.instances {
		byName[i.Service] = append(byName[i.Service], Instance{
			Name: i.Instance, Up: r.isUp(i, now), Started: i.Started, LastSeen: i.Time,
		})
	}
	all := make([]Service, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		instances := byName[name]
		slices.SortFunc(instances, func(a, b Instance) int {
			return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.Name, b.Name))
		})
		all = append(all, Service{Name: name, Instances: instances})
	}
	return all
}
