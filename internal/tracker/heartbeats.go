package tracker

import "time"

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
