package tracker

import (
	"context"
	"time"
)

// Hop is one way of events: from a service (or from outside) through a topic to a service.
type Hop struct {
	Workflow string // "" for events of no saga
	From     string // producing service; "" for a client's start or a foreign producer
	Topic    string // without the namespace prefix
	To       string // consuming service; "" if nobody declared to read it
	Undo     bool   // a token on its way back: Topic names the step that is undone, the event lies in To's inbox
	Declared bool   // From declared to emit to Topic (or it is a start), and To to read it

	Events   int64         // in the window, by when they were produced
	Rate     float64       // of these a second
	P50, P99 time.Duration // of the events handled in the window: from produced to the handler's output; 0 unknown
	UsualP99 time.Duration // of those handled before; 0 if these are fewer than 100
	Minutes  []HopMinute   // the last 60, the oldest first, the one under way last

	Running, Retrying, Halted int64 // sagas whose token is here now, by status
	Stuck                     int64 // of those that run, see Saga.Stuck; not known yet: 0
}

// HopMinute is one minute of a hop, by the log's time.
type HopMinute struct {
	Start    time.Time
	Events   int64
	P50, P99 time.Duration
}

// Hops tells of the ways that events took in the window, a minute to an hour, and of those with tokens on them. Not known yet: none.
func (t *Tracker) Hops(_ context.Context, window time.Duration) ([]Hop, error) {
	if window < time.Minute || window > time.Hour {
		return nil, &QueryError{"window", "must be 1 minute to 1 hour"}
	}
	return nil, nil
}
