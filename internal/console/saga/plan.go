package saga

import (
	"slices"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// hop is a step that services have declared.
type hop struct {
	Service string
	tracker.DeclaredStep
}

// taker finds who takes a workflow's events from a topic, as the registry does: the one that begins or ends the workflow there, else one
// that takes any.
func (s *story) taker(topic string) (found hop, ok bool) {
	for _, d := range s.declared {
		for _, step := range d.Steps {
			switch {
			case step.Topic != topic || step.Role == wire.RoleWatch:
			case step.Role == wire.RoleBegin || step.Role == wire.RoleEnd:
				if step.Workflow == s.saga.Workflow {
					return hop{d.Service, step}, true
				}
			case !ok:
				found, ok = hop{d.Service, step}, true
			}
		}
	}
	return found, ok
}

// next is where a step sends the saga on: "" if it ends there, or if several are possible.
func (s *story) next(h hop) (topics []string) {
	if h.Role == wire.RoleEnd {
		return nil
	}
	if topic := h.NextFor[s.saga.Workflow]; topic != "" {
		return []string{topic}
	}
	return h.Next
}

// ahead is what is declared to come after the step on a topic, up to the workflow's end or to where one of several ways is chosen.
func (s *story) ahead(topic string) (hops []hop) {
	const most = 30
	at, ok := s.taker(topic)
	seen := []string{topic}
	for ok && len(hops) < most {
		next := s.next(at)
		if len(next) != 1 || slices.Contains(seen, next[0]) {
			break
		}
		if at, ok = s.taker(next[0]); ok {
			hops, seen = append(hops, at), append(seen, next[0])
		}
	}
	return hops
}

// begins is the step that the workflow begins with.
func (s *story) begins() (found hop, ok bool) {
	for _, d := range s.declared {
		for _, step := range d.Steps {
			if step.Role == wire.RoleBegin && step.Workflow == s.saga.Workflow {
				return hop{d.Service, step}, true
			}
		}
	}
	return found, false
}

// roles says in a line what each service does for the workflow.
func (s *story) roles() map[string]string {
	roles := map[string]string{}
	for _, d := range s.declared {
		var own []hop
		initiator := false
		for _, step := range d.Steps {
			switch step.Role {
			case wire.RoleWatch:
			case wire.RoleBegin, wire.RoleEnd:
				initiator = initiator || step.Workflow == s.saga.Workflow
			default:
				own = append(own, hop{d.Service, step})
			}
		}
		switch {
		case initiator:
			roles[d.Service] = "begins and ends the saga"
		case len(own) == 1:
			roles[d.Service] = own[0].Topic
			if next := s.next(own[0]); len(next) == 1 {
				roles[d.Service] += " → " + next[0]
			}
		}
	}
	return roles
}
