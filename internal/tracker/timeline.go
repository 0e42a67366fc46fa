package tracker

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// timeline gives the steps of a saga in the order of hops, with what follows from the others: as a saga has one token, a step
// is over once an event of a higher hop is there, also if a foreign service made it that doesn't say of what.
func (s *state) timeline() []stepState {
	steps := s.joined()
	slices.SortFunc(steps, func(a, b stepState) int {
		return cmp.Or(cmp.Compare(a.hop(), b.hop()), cmp.Compare(a.Queued, b.Queued), strings.Compare(a.ID, b.ID))
	})
	later := len(steps) // the first step of a higher hop than the one looked at
	for i := len(steps) - 1; i >= 0; i-- {
		if i+1 < len(steps) && steps[i].hop() < steps[i+1].hop() {
			later = i + 1
		}
		if later < len(steps) && steps[i].Phase != phaseDone && steps[i].hop() >= 0 {
			steps[i].Phase, steps[i].Finished = phaseDone, steps[later].Queued
		}
	}
	return steps
}

// joined gives the steps with what services said of an event by its own ID put to the step that knows it by another: ledgers
// and letters know a foreign ID together with its source, causations alone.
func (s *state) joined() []stepState {
	steps := slices.Clone(s.Steps)
	known := map[string]int{}
	for i, p := range steps {
		if p.Raw != "" {
			known[p.Raw] = i
		}
	}
	if len(known) == 0 {
		return steps
	}
	for _, p := range s.Steps {
		if i, ok := known[p.ID]; ok && !p.Seen {
			steps[i].mergeWork(p.work())
		}
	}
	return slices.DeleteFunc(steps, func(p stepState) bool {
		_, ok := known[p.ID]
		return ok && !p.Seen
	})
}

func (p *stepState) work() workFact {
	return workFact{
		id: p.ID, service: p.Service, topic: p.WorkTopic, hop: p.WorkHop - 1, attempt: p.Attempt, phase: p.Phase,
		redrives: p.Redrives, at: p.At, turned: p.Turned, due: p.Due,
		accepted: p.Accepted, started: p.Started, finished: p.Finished, err: p.Error,
	}
}

// hop is the hop of the step's event, -1 if nobody has said.
func (p *stepState) hop() int {
	if p.Seen {
		return p.Hop
	}
	return p.WorkHop - 1
}

// status is the saga's, given its timeline, with the error that holds it up. Terminal wins over all. As a saga has one token, one step isn't done; where
// the log tells of more, the one that asks for a person counts.
func (s *state) status(steps []stepState) (status, reason string) {
	if s.Outcome.Outcome != "" {
		return s.Outcome.Outcome, s.Outcome.Reason
	}
	status, rank := Running, 0
	for _, p := range steps {
		word, of := Running, 0
		switch {
		case p.Phase == phaseDone:
		case p.Phase == phaseBlocked:
			word, of = Blocked, 5
		case p.Phase == phaseHalted:
			word, of = Halted, 4
		case p.Undo != nil:
			word, of = Compensating, 3
		case p.Phase == phaseWaiting:
			word, of = Waiting, 2
		case p.Phase == phaseRetrying:
			word, of = Retrying, 1
		}
		if of > rank {
			status, reason, rank = word, p.Error, of
			if word == Compensating {
				reason = p.Undo.Reason
			}
		}
	}
	return status, reason
}

// currentOf is the step that has the token of a saga that isn't over, nil if every known one is done: see [Saga.Current].
func currentOf(steps []stepState) (current *stepState) {
	rank := map[phase]int{phaseHalted: 1, phaseBlocked: 2}
	for i := range steps {
		p := &steps[i]
		if p.Phase == phaseDone {
			continue
		}
		if current == nil || cmp.Or(cmp.Compare(rank[p.Phase], rank[current.Phase]), cmp.Compare(p.hop(), current.hop())) >= 0 {
			current = p
		}
	}
	return current
}

// taker is the service that has the step's event, as far as the log itself tells.
func (p *stepState) taker() string {
	if p.Undo != nil {
		return cmp.Or(p.Service, p.Undo.Service)
	}
	return p.Service
}

func (p *stepState) topic() string { return cmp.Or(p.Topic, p.WorkTopic) }

// since says since when the saga is where it is: see [Saga.Since].
func (s *state) since(steps []stepState) (since int64) {
	if s.Outcome.Outcome != "" {
		return s.Outcome.Ended
	}
	p := currentOf(steps)
	if p == nil {
		for _, done := range steps {
			latest(&since, done.Finished)
		}
		return since
	}
	if p.Phase == phaseHalted {
		if l := s.letterOf(p); l != nil {
			return l.Time
		}
	}
	return cmp.Or(p.Queued, p.Accepted, p.Started)
}

// partial says that no event is there that could have begun the saga.
func (s *state) partial() bool {
	return !slices.ContainsFunc(s.Steps, func(p stepState) bool { return p.Seen && p.Hop == 0 })
}

// newest is the last time that anything known of the saga happened.
func (s *state) newest() (t int64) {
	latest(&t, s.Started.Time)
	latest(&t, s.Outcome.Ended)
	for i := range s.Steps {
		for _, other := range []int64{s.Steps[i].Queued, s.Steps[i].Accepted, s.Steps[i].Started, s.Steps[i].Finished} {
			latest(&t, other)
		}
	}
	return t
}

// known says whether the log tells that there is such a saga. A command may name any ID.
func (s *state) known() bool { return s.Started.Time != 0 }

type payload struct {
	value []byte
	from  sourceKind
}

// payloadsOf finds each event's payload: on the topic it was sent to, else on the copy in an inbox, else on the dead letter.
func payloadsOf(records []store.Record) map[string]payload {
	all := make(map[string]payload, len(records))
	for _, r := range records {
		src := sourceOf("", r.Topic.Name)
		id, topic := wire.Event{}, src.name
		for _, h := range decodeHeaders(r.Headers) {
			switch h.Key {
			case wire.HeaderID:
				id.ID = string(h.Value)
			case wire.HeaderSource:
				id.Source = string(h.Value)
			case wire.HeaderOrigin, wire.LetterStep:
				topic = string(h.Value)
			}
		}
		known := eventID(&id, topic, &wire.Record{Partition: r.Partition, Offset: r.Offset})
		if kept, ok := all[known]; !ok || preferred(src.kind, kept.from) {
			all[known] = payload{r.Value, src.kind}
		}
	}
	return all
}

// preferred relies on the order of the kinds: events, inboxes, …, letters.
func preferred(a, b sourceKind) bool { return a < b }

func at(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
