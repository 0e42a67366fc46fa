package tracker

import (
	"cmp"
	"slices"
	"strings"
)

// state is all that is known of a saga, except its records. It is a join semilattice: every field only ever moves in one
// direction (to the least, the greatest, the best ranked), so merging is commutative, associative and idempotent, and
// the order in which topics happen to be read is of no account. What people see is worked out of it in timeline.go.
type state struct {
	Workflow claim
	Subject  claim
	Started  startClaim
	Deadline int64
	Overdue  bool
	Ending   endingFact
	Outcome  outcomeFact
	Letters  []letterState // by place
	Steps    []stepState   // by ID
}

// stepState is what is known of one event and the work on it.
type stepState struct {
	ID string // of the input event, see eventID

	// Of the input event, once seen.
	Seen   bool
	Raw    string
	Topic  string
	Hop    int
	Queued int64
	Undo   *undoFact

	// Of the work, once heard of.
	WorkTopic string
	WorkHop   int // one more than the hop, so that 0 is unknown
	Accepted  int64
	Started   int64
	Finished  int64
	Progress
}

// merge takes a fact in and says whether it told anything new.
func (s *state) merge(f *fact) bool {
	changed := s.Workflow.merge(f.workflow)
	changed = s.Subject.merge(f.subject) || changed
	changed = s.Started.merge(f.started) || changed
	changed = latest(&s.Deadline, f.deadline) || changed
	changed = s.Outcome.merge(f.outcome) || changed
	changed = s.Ending.merge(f.ending) || changed
	if f.overdue && !s.Overdue {
		s.Overdue, changed = true, true
	}
	if f.letter != nil {
		changed = s.addLetter(f.letter) || changed
	}
	if f.input.id != "" {
		changed = s.step(f.input.id).mergeInput(f.input) || changed
	}
	if f.work.id != "" {
		changed = s.step(f.work.id).mergeWork(f.work) || changed
	}
	return changed
}

// step finds the step of an event, or makes room for it.
func (s *state) step(id string) *stepState {
	i, found := slices.BinarySearchFunc(s.Steps, id, func(p stepState, id string) int { return strings.Compare(p.ID, id) })
	if !found {
		s.Steps = slices.Insert(s.Steps, i, stepState{ID: id})
	}
	return &s.Steps[i]
}

func (p *stepState) mergeInput(f inputFact) bool {
	if !p.Seen {
		p.Seen, p.Raw, p.Topic, p.Hop, p.Queued, p.Undo = true, f.raw, f.topic, f.hop, f.queued, f.undo
		return true
	}
	// One ID on two different events is a producer's mistake; any choice will do that doesn't depend on the order.
	changed := first(&p.Raw, f.raw)
	changed = first(&p.Topic, f.topic) || changed
	if f.hop < p.Hop {
		p.Hop, changed = f.hop, true
	}
	if f.undo != nil && (p.Undo == nil || f.undo.compare(p.Undo) < 0) {
		p.Undo, changed = f.undo, true
	}
	return earliest(&p.Queued, f.queued) || changed
}

func (p *stepState) mergeWork(f workFact) bool {
	before := *p
	if told := f.progress(); told.compare(&p.Progress) > 0 {
		p.Progress = told
	}
	first(&p.WorkTopic, f.topic)
	p.WorkHop = max(p.WorkHop, f.hop+1)
	earliest(&p.Accepted, f.accepted)
	latest(&p.Started, f.started) // of the latest attempt
	earliest(&p.Finished, f.finished)
	return *p != before
}

func (c *claim) merge(other claim) bool {
	if other.Value == "" {
		return false
	}
	if c.Value != "" && cmp.Or(cmp.Compare(c.Rank, other.Rank), cmp.Compare(c.Value, other.Value)) <= 0 {
		return false
	}
	*c = other
	return true
}

func (c *startClaim) merge(other startClaim) bool {
	if other.Time == 0 {
		return false
	}
	if c.Time != 0 && cmp.Or(cmp.Compare(c.Rank, other.Rank), cmp.Compare(c.Time, other.Time)) <= 0 {
		return false
	}
	*c = other
	return true
}

// merge keeps the outcome that was written first: all of a saga's lie in one partition, so that is a matter of offsets.
func (o *outcomeFact) merge(other outcomeFact) bool {
	if other.Outcome == "" {
		return false
	}
	if o.Outcome != "" && cmp.Or(cmp.Compare(o.Partition, other.Partition), cmp.Compare(o.Offset, other.Offset)) <= 0 {
		return false
	}
	*o = other
	return true
}

// merge keeps what was asked for first: it stays so.
func (e *endingFact) merge(other endingFact) bool {
	if other.At == 0 || e.At != 0 && cmp.Or(cmp.Compare(e.At, other.At), strings.Compare(e.Outcome, other.Outcome)) <= 0 {
		return false
	}
	*e = other
	return true
}

func (u *undoFact) compare(other *undoFact) int {
	return cmp.Or(strings.Compare(u.Service, other.Service), strings.Compare(u.Outcome, other.Outcome), strings.Compare(u.Reason, other.Reason),
		strings.Compare(u.Undone, other.Undone), cmp.Compare(u.Left, other.Left))
}

// earliest and latest keep the lesser or greater of two times, of which 0 is none.
func earliest(t *int64, other int64) bool {
	if other == 0 || *t != 0 && *t <= other {
		return false
	}
	*t = other
	return true
}

func latest(t *int64, other int64) bool {
	if other == 0 || *t >= other && *t != 0 {
		return false
	}
	*t = other
	return true
}

// first keeps the lesser of two texts, of which "" is none.
func first(s *string, other string) bool {
	if other == "" || *s != "" && *s <= other {
		return false
	}
	*s = other
	return true
}
