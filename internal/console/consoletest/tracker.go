package consoletest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// Tracker tells scripted timelines with the tracker's contract: seq grows with every change, changed is closed after it.
type Tracker struct {
	Mu      sync.Mutex
	ByID    map[string]tracker.Saga
	Seq     int64
	changed chan struct{}
	Known   []tracker.Service
	Steps   []tracker.Declaration
	Ways    []tracker.Hop
	Behind  tracker.Lag
	Log     []tracker.Letter
	Audited []tracker.AuditEntry
	Told    map[string][]tracker.Event // by saga: what its steps don't tell
	Headers map[string][]string        // by saga: name=value of headers that it's found by
	Began   map[string]int64           // by saga: its first Seq
	Queries int                        // for pages, so far
	Err     error                      // what every question is answered with
}

func NewTracker() *Tracker {
	return &Tracker{
		ByID: make(map[string]tracker.Saga), Told: make(map[string][]tracker.Event), Steps: declarations(),
		Headers: make(map[string][]string), Began: make(map[string]int64), changed: make(chan struct{}),
		Behind: tracker.Lag{Reachable: true, Age: 100 * time.Millisecond},
	}
}

// Alter changes a saga as a committed batch of the tracker does.
func (f *Tracker) Alter(id string, change func(*tracker.Saga)) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	saga := f.ByID[id]
	saga.Steps = slices.Clone(saga.Steps)
	change(&saga)
	f.Seq++
	saga.Seq = f.Seq
	place(&saga)
	if f.Began[saga.ID] == 0 {
		f.Began[saga.ID] = saga.Seq
	}
	f.ByID[saga.ID] = saga
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Tracker) Saga(_ context.Context, id string) (tracker.Saga, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	saga, ok := f.ByID[id]
	if !ok && f.Err == nil {
		return saga, tracker.ErrNotFound
	}
	return saga, f.Err
}

func (f *Tracker) ChangedSince(_ context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	var changed []tracker.Saga
	for _, saga := range f.sorted(func(a, b tracker.Saga) int { return cmp.Compare(a.Seq, b.Seq) }) {
		if saga.Seq > seq && (workflow == "" || workflow == saga.Workflow) && len(changed) < limit {
			changed = append(changed, saga)
		}
	}
	return changed, f.Err
}

func (f *Tracker) sorted(by func(a, b tracker.Saga) int) []tracker.Saga {
	all := make([]tracker.Saga, 0, len(f.ByID))
	for _, saga := range f.ByID {
		all = append(all, saga)
	}
	slices.SortFunc(all, by)
	return all
}

func (f *Tracker) Counts(_ context.Context, workflow string) (map[string]int64, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	counts := make(map[string]int64)
	for _, saga := range f.ByID {
		if workflow == "" || workflow == saga.Workflow {
			counts[saga.Status]++
		}
	}
	return counts, f.Err
}

func (f *Tracker) Services(context.Context) ([]tracker.Service, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.Known, f.Err
}

func (f *Tracker) Declared(context.Context) ([]tracker.Declaration, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.Steps, f.Err
}

func (f *Tracker) Hops(context.Context, time.Duration) ([]tracker.Hop, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.Ways, f.Err
}

func (f *Tracker) Status() tracker.Status {
	return tracker.Status{
		Database: "SQLite x.db", Writes: true, Lag: f.Behind, KeepFor: time.Hour, KeepSagas: -1,
		Log: tracker.Horizon{Since: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)},
	}
}

func (f *Tracker) Changed() (int64, <-chan struct{}) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.Seq, f.changed
}

func (f *Tracker) Lag() tracker.Lag {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.Behind
}
