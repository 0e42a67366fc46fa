package engine

import "github.com/skald-saga/skald/internal/wire"

// pressure pauses what admits work when too much of it is unfinished: starts at a bound of open sagas, other steps' inputs at a
// bound of accepted events. End topics and the inbox are never paused: they are how a loop drains, and a loop that waits for
// itself would stand still for ever.
type pressure struct {
	startsPaused, inputsPaused bool
}

// regulate is called after each transaction. A pause ends at four fifths of its bound, so that it doesn't flutter.
func (p *pressure) regulate(s *Session) {
	var open, unfinished int
	for _, l := range s.ledgers {
		open += l.OpenSagas()
		unfinished += l.Unfinished()
	}
	s.metrics.observe(s, open, unfinished)
	full := over(unfinished, s.cfg.MaxUnfinished, p.inputsPaused)
	p.startsPaused = s.pause(p.startsPaused, full || over(open, s.cfg.MaxOpenSagas, p.startsPaused), wire.RoleBegin)
	p.inputsPaused = s.pause(p.inputsPaused, full, wire.RoleStep, wire.RoleWatch)
}

func over(n, bound int, paused bool) bool {
	if paused {
		return n > bound*4/5
	}
	return n >= bound
}

// pause pauses or resumes the topics of steps with one of the roles, when that changes something.
func (s *Session) pause(was, want bool, roles ...string) bool {
	if was == want {
		return was
	}
	var topics []string
	for _, st := range s.service.Steps {
		for _, role := range roles {
			if st.Role == role {
				topics = append(topics, s.cfg.Namespace.Topic(st.Topic))
			}
		}
	}
	if want {
		s.group.Client().PauseFetchTopics(topics...)
	} else {
		s.group.Client().ResumeFetchTopics(topics...)
	}
	if len(topics) > 0 {
		s.logger.Debug("back-pressure", "topics", topics, "paused", want)
	}
	return want
}
