package tracker

import (
	"errors"
	"time"
)

// Statuses of a saga that isn't over. A saga that is over has its outcome as status (wire.Completed and so on).
const (
	Running      = "running"
	Retrying     = "retrying"     // an attempt failed, and another one comes by itself
	Waiting      = "waiting"      // what a step needs is not there; no attempt is burnt
	Halted       = "halted"       // the event is a dead letter: a person redrives or discards it
	Compensating = "compensating" // what was done is being undone
	Blocked      = "blocked"      // an undo can't be done, or a handler doesn't return: a person must help
)

// Groups of statuses, to ask for.
const (
	Open  = "open"  // not over
	Ended = "ended" // over
)

// States of one step of a saga.
const (
	StepQueued   = "queued"  // its event lies in the topic, or in the ledger behind other work
	StepRunning  = "running" // its handler was begun
	StepRetrying = "retrying"
	StepWaiting  = "waiting"
	StepBlocked  = "blocked"
	StepHalted   = "halted" // its event is a dead letter
	StepDone     = "done"
	StepTurned   = "turned" // here the saga was turned round: rejected, cancelled, expired or discarded
)

// ErrNotFound says that no saga has that ID, as far as the tracker has read.
var ErrNotFound = errors.New("no such saga")

// ErrNoEvent says that no record of the saga lies there, as far as the tracker has read.
var ErrNoEvent = errors.New("no such event of this saga")

// Saga is one run of a workflow as the log tells it. Times are the log's; zero means unknown.
type Saga struct {
	ID       string
	Workflow string
	Subject  string // business key
	Status   string
	Outcome  string // empty while it runs
	Reason   string // why it ended so or is being undone, or the error that holds it up
	Started  time.Time
	Ended    time.Time
	Deadline time.Time
	Overdue  bool // its initiator has noted that the deadline has passed

	// Stuck says that its current step has it for more than three times as long as usual, and for 5 s at least. Usual is the p99 of that hop
	// in that workflow; 0 if the log tells of too few, and then no saga is stuck there.
	Stuck bool
	Usual time.Duration

	// Where it is, while it isn't over; empty between two services, and Service also if no service has declared the topic.
	Service string
	Topic   string // input topic of the step that has its token

	// Since is since when it's there: when the event of the step that has its token was produced or, if it's halted, given up on; when
	// the last step was done, between two services; and when it ended, once it is over.
	Since time.Time

	// Partial says that the log doesn't hold the saga's beginning any more, so that its first steps can't be told. While the log is
	// still being read it's false.
	Partial bool

	Ending       string   // the outcome that it is to have, once that is decided and until it is over
	EndingReason string   // why
	Undone       []string // services whose steps were undone, in the order of undoing
	ToUndo       int      // steps that are still to be undone, while it is being undone

	Seq   int64 // grows with every change of any saga: the position of the live stream
	Steps []Step
}

// Step is one hop of a saga: an event and what the service that takes it did with it.
type Step struct {
	Hop      int
	Service  string // who takes the event; empty if no service declared the topic yet
	Topic    string // input topic, without the namespace prefix
	State    string
	Queued   time.Time // when the event was produced
	Accepted time.Time // when the service took it
	Started  time.Time // when the handler began
	Finished time.Time // when the handler's output was produced
	Due      time.Time // of the next attempt (retrying)
	Undo     bool      // the step is the undoing of another
	Attempt  int       // attempts begun
	Attempts int       // that the step's policy allows; 0 if no service has said so
	Redrives int       // how often its event was given back after it was a dead letter
	EditedBy string    // who gave its event another payload when it was redriven, if anybody did; told with payloads alone
	Error    string    // of the last attempt that failed
	Letter   *LetterPlace
	EventID  string // of the input event
	Payload  []byte // of the input event
}

// LetterPlace names the dead letter that halts a step.
type LetterPlace struct {
	Partition int32 // of the dead-letter topic
	Offset    int64
	ID        string
	Class     string
}

// Event is one record of a saga, whole.
type Event struct {
	Topic       string
	Partition   int32
	Offset      int64
	ID          string
	Source      string
	Type        string
	Time        time.Time
	Hop         int
	CausationID string
	Headers     [][2]string
	ContentType string
	Payload     []byte // nil also if it was left out
	Size        int    // of the payload, in bytes
}

// Query selects sagas; its zero value selects all, the youngest first. What its fields ask for has to hold together.
type Query struct {
	Workflow string
	Status   string // a status or an outcome, or Open or Ended for all that aren't over or are
	Service  string // that has its token now
	Topic    string // input topic of the step that has its token now

	StartedAfter  time.Time // at this time or later; zero: no bound
	StartedBefore time.Time // before this time; zero: no bound

	// Overdue asks for those that aren't over and past their deadline: at Now, or by their initiator's note. Now is the caller's
	// clock; zero means time.Now().
	Overdue bool
	Now     time.Time

	// Stuck asks for those that are stuck, see [Saga.Stuck]. That is judged saga by saga: up to 2,000 of those that may be are looked at
	// for a page, so that a page may have fewer than Limit, or none, and still a Next.
	Stuck bool

	// Cause asks for those with a dead letter of this cause (see [Cause.Key]), whatever became of it.
	Cause string

	// Search is a saga ID; or name=value of a header that one of its events has: ce_id, traceparent (of which the trace ID counts),
	// trace (the trace ID alone: 32 hexadecimal digits), or any that is neither CloudEvents' nor Skald's, such as tenant=acme, with
	// upper and lower case told apart; or else part of the business key, 3 characters or more, in upper or lower case. A business
	// key with an equals sign in it is found by a part that begins with that sign.
	Search string

	OldestFirst bool
	Limit       int // 1 to 1,000; 0 means 50

	// Cursor is Page.Next of the page before. It goes with the rest of its query alone, in which just Limit, Now, WithoutPayloads,
	// and the times of StartedAfter and StartedBefore may have changed.
	Cursor string

	WithoutPayloads bool // steps without their payloads, in half the time
}

// Page is one page of a list.
type Page struct {
	Sagas []Saga
	Next  string // empty on the last page
}

// Count says how many sagas a query selects.
type Count struct {
	N       int64
	AtLeast bool // there are so many or more, as counting all would take too long
}

// MinuteOutcomes says how many sagas ended in one minute.
type MinuteOutcomes struct {
	At        time.Time // when the minute began
	Completed int64
	Otherwise int64 // with any other outcome
}

// Lag says how far the tracker is behind the log.
type Lag struct {
	Records   int64         // not yet projected, as of the last look
	Age       time.Duration // how long ago the tracker was at the end of the log
	Reachable bool          // whether the broker answers
	Since     time.Time     // since when Reachable is as it is
}

// Status says how a tracker is, and what its answers are limited by.
type Status struct {
	Database  string // its name for people
	Writes    bool   // false: another tracker writes to the database, or none does for now
	Lag       Lag
	Log       Horizon
	KeepFor   time.Duration // how long sagas stay after their end; negative: for ever
	KeepSagas int64         // how many that are over stay; negative: all
}

// Horizon says since when the log holds all events: what can be made again from it. Sagas that began before can be told only in
// part, by a tracker that wasn't there.
type Horizon struct {
	Since time.Time // zero: unknown yet, or there are no events
	Whole bool      // nothing has been deleted from the log: Since is when it begins
}
