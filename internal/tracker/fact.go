package tracker

import "github.com/skald-saga/skald/internal/tracker/store"

// fact is what one record says about one saga. Facts are merged into a saga's state in whatever order they arrive, any of
// them any number of times, and give the same state (see state.go).
//
// Times are Unix nanoseconds, 0 when not stated.
type fact struct {
	saga     store.SagaID
	keep     bool // the record is one of the saga's events; what ledgers say of work under way isn't
	workflow claim
	subject  claim
	started  startClaim
	deadline int64
	input    inputFact
	work     workFact
	outcome  outcomeFact
}

// claim is a value that many records state, usually all the same. The lowest rank wins.
type claim struct {
	Rank  int
	Value string
}

// startClaim is a claim of when the saga started.
type startClaim struct {
	Rank int
	Time int64
}

// Ranks of claims of when a saga started, the best first: the start itself, then what was said of it, then whatever is known.
const (
	startOfEvent = iota + 1
	startOfOutcome
	startOfLedger
	startOfAny
)

// rankOfLedger is the rank of what ledgers say of workflow: below every event, whose rank is its hop.
const rankOfLedger = 1 << 30

// inputFact is the event that a step takes.
type inputFact struct {
	id     string // see eventID; empty: the record is no step's input
	raw    string // the event's own ID, if that is another
	topic  string
	hop    int
	queued int64
}

// phase is how far a step has got with an attempt.
type phase int

const (
	phaseNone phase = iota
	phaseAccepted
	phaseRunning
	phaseHalted
	phaseDone
)

// workFact is what a service did with an event.
type workFact struct {
	id       string // of the input event; empty: the record says nothing of work
	service  string
	topic    string // of the step, "" when not stated
	hop      int    // of the input event, -1 when not stated
	attempt  int
	phase    phase
	accepted int64
	started  int64
	finished int64
	err      string
}

// outcomeFact is how the saga ended.
type outcomeFact struct {
	Outcome   string // empty: the record is no outcome
	Reason    string
	Ended     int64
	Partition int32
	Offset    int64
}
