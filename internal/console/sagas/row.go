package sagas

import (
	"cmp"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/filter"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// row is one saga of the list.
type row struct {
	tracker.Saga

	Key    string // business key, or the ID
	Thread shell.Thread
	Waits  waits
	Late   bool
	Gone   bool   // doesn't match any more
	Can    string // what could be done about it: cancel, redrive
	Took   string // of one that is over
	Left   string // until its deadline
}

// mostKey is how many characters of a business key a list shows; the whole key stands on the saga's page.
const mostKey = 200

func newRow(s tracker.Saga, hops map[string]int, v view, now time.Time) row {
	r := row{
		Saga: s, Key: cmp.Or(clip(s.Subject, mostKey), s.ID), Thread: shell.ThreadOf(&s, hops[s.Workflow]), Waits: waitsFor(&s),
		Late: filter.Overdue(&s, now), Gone: !v.Matches(&s, now), Took: "–", Left: "–",
	}
	if !s.Ended.IsZero() && !s.Started.IsZero() {
		r.Took = words.Lasted(s.Ended.Sub(s.Started))
	}
	if s.Outcome == "" && !s.Deadline.IsZero() {
		r.Left = left(s.Deadline.Sub(now))
	}
	var can []string
	if filter.Cancellable(&s) {
		can = append(can, "cancel")
	}
	if filter.Redrivable(&s) {
		can = append(can, "redrive")
	}
	r.Can = strings.Join(can, " ")
	return r
}

// left says how long it is until something, or since; shell/tick.js goes on in the same form.
func left(d time.Duration) string {
	if d < 0 {
		return words.SoFar(-d) + " over"
	}
	return words.SoFar(d)
}

// state is what a row is made of beside the clock: while it's the same, the row isn't sent anew.
type state struct {
	seq                        int64
	late, gone, stuck, partial bool
}

func (r row) state() state { return state{r.Seq, r.Late, r.Gone, r.Stuck, r.Partial} }
