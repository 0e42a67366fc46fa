package engine

import (
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// pressure pauses what admits work when too much of it is unfinished: starts at a bound of open sagas, other steps' inputs at a
// bound of accepted events. End topics and the inbox are never paused: they are how a loop drains, and a loop that waits for
// itself would stand still for ever.
type pressure struct {
	starts, inputs bool
	paused         map[string]bool // by topic of a step
}

// regulate is called after each transaction. A pause ends at four fifths of its bound, so that it doesn't flutter. The topic of a step
// that can't do its work is paused, too: what has been taken waits in the ledger, and that is enough.
func (p *pressure) regulate(s *Session) {
	var open, unfinished int
	for _, l := range s.ledgers {
		open += l.OpenSagas()
		unfinished += l.Unfinished()
	}
	s.metrics.observe(s, open, unfinished)
	p.inputs = over(unfinished, s.cfg.MaxUnfinished, p.inputs)
	p.starts = over(open, s.cfg.MaxOpenSagas, p.starts)
	now := time.Now()
	for i := range s.service.Steps {
		st := &s.service.Steps[i].Step
		switch st.Role {
		case wire.RoleBegin:
			p.pause(s, st.Topic, p.inputs || p.starts || s.machine.Down(driver{s}, st, now))
		case wire.RoleStep, wire.RoleWatch:
			p.pause(s, st.Topic, p.inputs || s.machine.Down(driver{s}, st, now))
		}
	}
}

func over(n, bound int, paused bool) bool {
	if paused {
		return n > bound*4/5
	}
	return n >= bound
}

// pause pauses or resumes a topic, when that changes something.
func (p *pressure) pause(s *Session, topic string, want bool) {
	if p.paused[topic] == want {
		return
	}
	if p.paused == nil {
		p.paused = map[string]bool{}
	}
	p.paused[topic] = want
	if want {
		s.group.Client().PauseFetchTopics(s.topicOf(topic))
	} else {
		s.group.Client().ResumeFetchTopics(s.topicOf(topic))
	}
	s.logger.Debug("back-pressure", "topic", topic, "paused", want)
}
