package sagas

import (
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// mostHops bounds the walk along declarations, which may be a circle.
const mostHops = 256

// hopsOf says for each workflow through how many topics its sagas go when nothing goes wrong, as services have declared. A workflow with a
// choice of ways, or with a gap in what is declared, isn't in it.
func hopsOf(declared []tracker.Declaration) map[string]int {
	hops := map[string]int{}
	for _, d := range declared {
		for _, begin := range d.Steps {
			if begin.Role != wire.RoleBegin {
				continue
			}
			topic := after(begin, begin.Workflow)
			for n := 2; topic != "" && n < mostHops; n++ {
				if topic == begin.EndTopic {
					hops[begin.Workflow] = n
					break
				}
				step, _ := reader(declared, topic)
				topic = after(step, begin.Workflow)
			}
		}
	}
	return hops
}

// after is where a step sends the sagas of a workflow on, if that is one topic.
func after(s tracker.DeclaredStep, workflow string) string {
	if topic, ok := s.NextFor[workflow]; ok {
		return topic
	}
	if len(s.Next) == 1 {
		return s.Next[0]
	}
	return ""
}

func reader(declared []tracker.Declaration, topic string) (tracker.DeclaredStep, bool) {
	for _, d := range declared {
		for _, s := range d.Steps {
			if s.Topic == topic && (s.Role == wire.RoleStep || s.Role == tracker.RoleRoute) {
				return s, true
			}
		}
	}
	return tracker.DeclaredStep{}, false
}
