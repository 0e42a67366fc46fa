package tracker

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// registry is what services have announced: their declarations, and which instances live. Safe for concurrent use.
type registry struct {
	mu        sync.RWMutex
	instances map[[2]string]*instance // by service and instance
	takers    map[string][]wireTaker  // by topic, made of the newest declaration of each service
	steps     map[[2]string]wire.Step // by service and topic, of the same
	live      bool                    // heartbeats come as they are sent: the backlog has been read
	deaf      time.Time               // since when the broker hasn't answered; zero while it does
}

type instance struct {
	wire.Announcement
	encoded []byte
	heard   time.Time // when it gave its last sign of life, by this machine's clock
	up      bool      // as last told
	counts  []count   // of its work in the last minute, the oldest first
	drains  time.Time // when it first said that it drains
}

type wireTaker struct{ service, role, workflow string }

func newRegistry() *registry { return &registry{instances: map[[2]string]*instance{}} }

// reset forgets all and takes what the store holds, in one go for who asks meanwhile: what was said before this process began is the backlog.
func (r *registry) reset(announcements [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances, r.live = map[[2]string]*instance{}, false
	r.declared()
	for _, encoded := range announcements {
		if a, err := wire.DecodeAnnouncement(encoded); err == nil { // else of a version that wrote others
			r.put(a, encoded, time.Now())
		}
	}
}

// newer says whether an announcement is news. Of two, the later one counts, whatever the order in which they are read.
func (r *registry) newer(a wire.Announcement, encoded []byte) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.isNews(a, encoded)
}

func (r *registry) isNews(a wire.Announcement, encoded []byte) bool {
	known := r.instances[[2]string{a.Service, a.Instance}]
	return known == nil || cmp.Or(known.Time.Compare(a.Time), bytes.Compare(known.encoded, encoded)) < 0
}

// add takes an announcement in and says whether what Services tells has changed, times aside.
func (r *registry) add(a wire.Announcement, encoded []byte, now time.Time) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.put(a, encoded, now)
}

func (r *registry) put(a wire.Announcement, encoded []byte, now time.Time) (changed bool) {
	if !r.isNews(a, encoded) {
		return false
	}
	key := [2]string{a.Service, a.Instance}
	known := r.instances[key]
	next := &instance{Announcement: a, encoded: encoded, heard: now}
	if !r.live && a.Time.Before(now) {
		next.heard = a.Time // of the backlog: what was said then is no sign of life now
	}
	next.counted(known)
	if next.drains = a.Time; known != nil && known.Draining {
		next.drains = known.drains
	}
	r.instances[key] = next
	next.up = r.isUp(next, now)
	if known == nil || !slices.EqualFunc(known.Steps, a.Steps, equalSteps) {
		r.declared()
		return true
	}
	return known.up != next.up || !known.Started.Equal(a.Started) || known.Stopped != a.Stopped || known.Draining != a.Draining ||
		known.Program != a.Program || !slices.Equal(known.Partitions, a.Partitions)
}

// forget drops what [store.Tx.PruneInstances] deletes.
func (r *registry) forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[string]*instance{}
	for _, i := range r.instances {
		known := last[i.Service]
		if known == nil || cmp.Or(known.Time.Compare(i.Time), strings.Compare(known.Instance, i.Instance)) < 0 {
			last[i.Service] = i
		}
	}
	all := len(r.instances)
	maps.DeleteFunc(r.instances, func(_ [2]string, i *instance) bool { return i.Time.Before(before) && last[i.Service] != i })
	if len(r.instances) < all {
		r.declared()
	}
}

func equalSteps(a, b wire.Step) bool {
	return a.Topic == b.Topic && a.Attempts == b.Attempts && a.UndoAttempts == b.UndoAttempts && a.Role == b.Role && a.Workflow == b.Workflow && a.EndTopic == b.EndTopic &&
		slices.Equal(a.Next, b.Next) && slices.Equal(a.NextFor, b.NextFor) && slices.Equal(a.Emits, b.Emits)
}

// declared works out who takes what: of each service by the instance that was started last.
func (r *registry) declared() {
	newest := map[string]*instance{}
	for _, i := range r.instances {
		known := newest[i.Service]
		if known == nil || cmp.Or(known.Started.Compare(i.Started), strings.Compare(known.Instance, i.Instance)) < 0 {
			newest[i.Service] = i
		}
	}
	r.takers, r.steps = map[string][]wireTaker{}, map[[2]string]wire.Step{}
	for _, service := range slices.Sorted(maps.Keys(newest)) {
		for _, s := range newest[service].Steps {
			r.steps[[2]string{service, s.Topic}] = s
			if s.Role != wire.RoleWatch {
				r.takers[s.Topic] = append(r.takers[s.Topic], wireTaker{service, s.Role, s.Workflow})
			}
		}
	}
}

// takes says which service takes a workflow's events from a topic: the one that begins or ends the workflow there, else one
// that takes any. "" if nobody has declared it.
func (r *registry) takes(topic, workflow string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	service := ""
	for _, t := range r.takers[topic] {
		switch {
		case t.role == wire.RoleStep && service == "":
			service = t.service
		case t.role != wire.RoleStep && t.workflow == workflow:
			return t.service
		}
	}
	return service
}

// attempts says how many attempts a service's step has, and its undo; 0 if that isn't known.
func (r *registry) attempts(service, topic string) (forward, undo int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.steps[[2]string{service, topic}]
	return s.Attempts, s.UndoAttempts
}

// initiator says which service begins and ends the sagas of a workflow, "" if none has declared it.
func (r *registry) initiator(workflow string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	service := ""
	for key, s := range r.steps {
		if s.Role == wire.RoleBegin && s.Workflow == workflow && (service == "" || key[0] < service) {
			service = key[0]
		}
	}
	return service
}

// topics gives the names on the broker of all topics to read: what every known instance, dead or alive, declares.
func (r *registry) topics(ns wire.Namespace) map[string]bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := map[string]bool{ns.Services(): true, ns.Outcomes(): true, ns.DeadLetters(): true}
	for _, i := range r.instances {
		all[ns.Inbox(i.Service)], all[ns.Ledger(i.Service)] = true, true
		for _, s := range i.Steps {
			names := slices.Concat([]string{s.Topic, s.EndTopic}, s.Next, s.Emits)
			for _, f := range s.NextFor {
				names = append(names, f.Topic)
			}
			for _, name := range names {
				if name != "" {
					all[ns.Topic(name)] = true
				}
			}
		}
	}
	return all
}
