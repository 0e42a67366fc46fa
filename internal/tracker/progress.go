package tracker

import (
	"cmp"
	"strings"
)

// Progress is how far the work on an event has got. Of two, the one that compares greater is the later: then it holds, whole.
type Progress struct {
	Phase    phase
	Redrives int
	At       int64
	Attempt  int
	Turned   bool
	Due      int64
	Service  string
	Error    string
}

func (f workFact) progress() Progress {
	return Progress{
		Phase: f.phase, Redrives: f.redrives, At: f.at, Attempt: f.attempt, Turned: f.turned, Due: f.due, Service: f.service, Error: f.err,
	}
}

// compare orders what was written about one event by when it was written. Nothing comes after its consequence. Before that, its service's
// ledger tells all, in one partition, so that is a matter of offsets; what a dead letter tells comes last of all that was
// written before the event was given back. What is compared beyond that can differ only where somebody has made a mistake;
// then any choice will do that doesn't depend on the order of reading.
func (p *Progress) compare(q *Progress) int {
	is := func(phase, of phase) int {
		if phase == of {
			return 1
		}
		return 0
	}
	turned := func(p *Progress) int {
		if p.Turned {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(is(p.Phase, phaseDone), is(q.Phase, phaseDone)),
		cmp.Compare(p.Redrives, q.Redrives),
		cmp.Compare(is(p.Phase, phaseHalted), is(q.Phase, phaseHalted)),
		cmp.Compare(p.At, q.At), cmp.Compare(p.Attempt, q.Attempt), cmp.Compare(p.Phase, q.Phase), cmp.Compare(turned(p), turned(q)),
		cmp.Compare(p.Due, q.Due), strings.Compare(p.Service, q.Service), strings.Compare(p.Error, q.Error),
	)
}
