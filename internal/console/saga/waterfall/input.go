package waterfall

import (
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// Input is what a chart is drawn of.
type Input struct {
	Saga   tracker.Saga
	Failed []Attempt         // in any order
	Ahead  []Ahead           // what is to come, in order
	Roles  map[string]string // a line about each service
	Now    time.Time
	Steps  bool // each bar has the same width; else time is true to scale
}

// Attempt is one that failed.
type Attempt struct {
	EventID, Service, Topic string
	Number                  int
	At                      time.Time // when that was written down
	Due                     time.Time // of the next one; zero: none comes by itself
	Error                   string
}

// Ahead is a step that is to come.
type Ahead struct {
	Service string
	Label   string
	Undo    bool
}

// mostSteps is how many hops a chart has: the last ones.
const mostSteps = 200
