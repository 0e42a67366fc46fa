package tracker

import (
	"context"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/tracker/traffic"
)

// A saga is stuck when its step has had it for stuckFactor times as long as usual, and for stuckLeast at least.
const (
	stuckFactor = 3
	stuckLeast  = 5 * time.Second

	// usualFor is how long the usual times hold: they are those of a week.
	usualFor = 5 * time.Second
)

// taken is a hop, whoever sends there.
type taken struct {
	workflow, topic, to string
	undo                bool
}

// usuals are the p99 of hops over a week, but for what was handled in the last hour: what is slow now mustn't become usual at once. At an even
// rate it takes one hour and 1 % of a week, 2.7 hours in all, until slowness is. A hop with no history before that hour, as it's new or rarely
// used, is judged by all but the last minute. Safe for concurrent use.
type usuals struct {
	mu  sync.Mutex
	at  time.Time
	p99 map[taken]time.Duration
}

func (t *Tracker) usual(ctx context.Context, now time.Time) (map[taken]time.Duration, error) {
	if err := t.loadTraffic(ctx); err != nil {
		return nil, err
	}
	u := &t.usuals
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.p99 != nil && now.Sub(u.at) < usualFor && !now.Before(u.at) {
		return u.p99, nil
	}
	anyone := func(w traffic.Way) traffic.Way {
		w.From = ""
		return t.registry.named(w)
	}
	u.at, u.p99 = now, map[taken]time.Duration{}
	for _, but := range []time.Duration{time.Minute, time.Hour} { // the hour's last: where it has a history, that holds
		for _, s := range t.traffic.Load().Look(but, now, anyone) {
			if s.Before.Handled() >= fewest {
				u.p99[taken{s.Way.Workflow, s.Way.Topic, s.Way.To, s.Way.Undo}] = s.Before.Quantile(.99)
			}
		}
	}
	return u.p99, nil
}

// judge says whether a saga is stuck.
func (s *Saga) judge(usual map[taken]time.Duration, now time.Time) {
	if s.Status != Running {
		return
	}
	step, ok := s.Current()
	if !ok || step.State != StepQueued && step.State != StepRunning {
		return
	}
	s.Usual = usual[taken{s.Workflow, step.Topic, step.Service, step.Undo}]
	s.Stuck = s.Usual > 0 && step.held(now) > max(stuckLeast, stuckFactor*s.Usual)
}

// held is for how long a step has had its event; after a redrive, since its handler was begun.
func (p *Step) held(now time.Time) time.Duration {
	since := p.Queued
	if since.IsZero() {
		since = p.Accepted
	}
	if p.Redrives > 0 {
		since = p.Started
	}
	if since.IsZero() {
		return 0
	}
	return now.Sub(since)
}

// countStuck looks at those sagas of each hop that are old enough to be stuck there.
func (t *Tracker) countStuck(ctx context.Context, hops []Hop, now time.Time) error {
	usual, err := t.usual(ctx, now)
	if err != nil {
		return err
	}
	for i := range hops {
		h := &hops[i]
		p99 := usual[taken{h.Workflow, h.Topic, h.To, h.Undo}]
		if h.Running == 0 || p99 == 0 || h.Workflow == "" || h.Undo {
			continue
		}
		page, err := t.Sagas(ctx, Query{
			Workflow: h.Workflow, Status: Running, Service: h.To, Topic: h.Topic, StartedBefore: now.Add(-max(stuckLeast, stuckFactor*p99)),
			OldestFirst: true, Limit: maxLimit, WithoutPayloads: true,
		})
		if err != nil {
			return err
		}
		for j := range page.Sagas {
			if s := &page.Sagas[j]; s.Stuck && s.sender() == h.From {
				h.Stuck++
			}
		}
	}
	return nil
}

// sender is the service that gave the token to the current step, as in the traffic.
func (s *Saga) sender() string {
	current, _ := s.Current()
	for _, step := range s.Steps {
		if step.Hop == current.Hop-1 && step.State == StepDone {
			return step.Service
		}
	}
	return ""
}
