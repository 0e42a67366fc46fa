package tracker

import "github.com/skald-saga/skald/internal/tracker/store"

// fact is what one record says about one saga. Facts are merged into a saga's state in whatever order they arrive, any of
// them any number of times, and give the same state (see state.go).
//
// Times are Unix nanoseconds, 0 when not stated.
type fact struct {
	saga     store.SagaID
	keep     bool   // the record is part of the saga's story; what ledgers say of work under way isn't, unless it failed
	value    []byte // what is kept of the record instead of its value; nil: that
	workflow claim
	subject  claim
	started  startClaim
	deadline int64
	overdue  bool // the initiator has noted that the deadline has passed
	ending   endingFact
	input    inputFact
	work     workFact
	letter   *letterState
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
	undo   *undoFact // the event is a token on its way back
}

// undoFact is what a token on its way back tells.
type undoFact struct {
	Service string // whose step is to be undone next
	Outcome string // how the saga will end
	Reason  string
	Undone  string // services whose steps are undone already, in the order of undoing, a line each
	Left    int    // how many steps are to be undone yet
}

// endingFact is how an open saga is to end once its token is found: somebody has cancelled it, or its deadline has passed.
type endingFact struct {
	At      int64 // one more than the offset in its initiator's ledger; 0: the record says nothing of it
	Outcome string
	Reason  string
}

// phase is what has become of a step's event.
type phase int

const (
	phaseNone     phase = iota
	phaseAccepted       // it queues
	phaseRunning
	phaseRetrying // an attempt failed, and the next one has its time
	phaseWaiting  // what the handler needs is not there
	phaseBlocked  // an undo that can't be done, or a handler that doesn't return
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
	redrives int   // how often the event had been given back by then
	at       int64 // one more than the offset in the service's ledger; 0: another record tells
	turned   bool  // phaseDone: its consequence is an undo
	due      int64 // phaseRetrying: of the next attempt
	accepted int64
	started  int64
	finished int64
	err      string
}

// outcomeFact is how the saga ended.
type outcomeFact struct {
	Outcome   string // empty: the record is no outcome
	Reason    string
	Undone    string // as in undoFact
	Ended     int64
	Partition int32
	Offset    int64
}

// kept is what is kept of the record's value.
func (f *fact) kept(value []byte) []byte {
	if f.value != nil {
		return f.value
	}
	return value
}
