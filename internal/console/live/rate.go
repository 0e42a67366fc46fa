package live

import (
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
)

// Rate measures how many changes go into the updates of one client.
type Rate struct {
	at   time.Time
	seq  int64
	said string
}

// worthSaying is from how many changes a second on a page says that they are joined.
const worthSaying = 30

// Joined says it, once a second at most; empty while there is nothing worth saying. tick is the time between two updates.
func (r *Rate) Joined(seq int64, now time.Time, tick time.Duration) string {
	passed := now.Sub(r.at)
	if passed < time.Second {
		return r.said
	}
	if changes := int64(float64(seq-r.seq) / passed.Seconds()); !r.at.IsZero() && changes >= worthSaying {
		r.said = words.Thousands(changes) + " changes a second, joined into " + strconv.FormatFloat(max(.1, 1/tick.Seconds()), 'g', 2, 64)
	} else {
		r.said = ""
	}
	r.at, r.seq = now, seq
	return r.said
}
