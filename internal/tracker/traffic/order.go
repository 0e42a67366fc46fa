package traffic

import (
	"cmp"
	"strings"
)

func compareWays(a, b Way) int {
	undo := func(w Way) int {
		if w.Undo {
			return 1
		}
		return 0
	}
	return cmp.Or(strings.Compare(a.Workflow, b.Workflow), cmp.Compare(undo(a), undo(b)), strings.Compare(a.From, b.From),
		strings.Compare(a.Topic, b.Topic), strings.Compare(a.To, b.To))
}
