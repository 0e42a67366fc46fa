package saga

import (
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// OutKind says what a record to write is.
type OutKind uint8

// The kinds of records that a batch writes, besides the ledger's changes.
const (
	Emit    OutKind = iota + 1 // an event: to the next step, an undo, an outcome, a notice
	Forward                    // the item's record, to this service's inbox in the partition of its saga
	Letter                     // a dead letter of the item's record
	Note                       // to the ledger, for readers: an event was ignored, or a command answered
)

// Out is a record to write.
type Out struct {
	Kind      OutKind
	Topic     string // of Emit, without the namespace prefix
	Partition int32
	Item      *Item      // what it came of; nil for what time brought
	Origin    *Execution // whose result it is, if any
	Event     *wire.Event
	OpenLoop  bool
	Outcome   string // of the record that ends a saga

	// Of a letter.
	ID       string
	Failure  *Failure
	Attempts int
	Halted   bool

	// Of a note.
	Note *wire.LedgerRecord

	Record any // the driver's own: what Encode made
}

// Execution is one run of a handler. It outlives the batch that began it when the handler is slow, and even the ownership of
// its partition: whoever gets to the same event again in this process joins it instead of running it twice.
type Execution struct {
	Item    *Item // whoever joins puts another in its place
	Key     Key
	Step    *Step
	Attempt int
	Started time.Time

	// Of the handler's result.
	Outputs     []Output
	Err         error
	Finished    time.Time
	Interrupted bool // its context had ended, which is why it failed

	Done      bool // the batch may be told
	Abandoned bool // nobody waits for it any more
	Hangs     bool // its context has ended, and it doesn't return

	concludedIn *Batch // the batch that its result is in, committed or not
}

// Driver runs handlers and makes records.
type Driver interface {
	// Find gives the execution of that key which runs, or whose result isn't committed.
	Find(key Key) *Execution
	// Places is how many more handlers of the step may start.
	Places(step *Step) int
	// Start begins the handler for an item, as of now.
	Start(it *Item, attempt int, now time.Time) *Execution
	// Forget drops an execution from those that Find knows.
	Forget(e *Execution)
	// Abandon ends an execution whose result nobody waits for any more, and drops it.
	Abandon(e *Execution)
	// Encode makes the record of an event and says how large it is, in bytes.
	Encode(o *Out) int
	// Ledger gives a partition's.
	Ledger(partition int32) *ledger.Ledger
}
