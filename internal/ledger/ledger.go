package ledger

import "time"

// SagaID is a saga's UUID in its binary form.
type SagaID [16]byte

// Kind says what an entry stands for.
type Kind uint8

// The kinds of entries.
const (
	Open       Kind = iota + 1 // a saga begun here and not ended
	Work                       // an accepted event whose handler has not finished
	Halted                     // the lane stands still: an event in it became a dead letter
	Checkpoint                 // the consumed offsets
	Blocked                    // the lane stands still: a compensation in it can't be done and waits for a person
)

// Entry is one live entry that stands in a lane (Work, Halted, Blocked), or the checkpoint.
type Entry struct {
	Kind     Kind
	ID       string // unique in the partition: the event's ID
	Lane     string // entries of one lane run one at a time, in order: a saga's token, or an event of its own
	Saga     SagaID // zero if none
	Step     string
	Accepted time.Time
	Started  time.Time // when the handler began; zero while it queues
	Due      time.Time // not to be run before; zero means now
	Attempt  int       // attempts begun
	Letter   string    // of a halted entry: the dead letter's ID
	Hangs    bool      // its handler doesn't return; not kept over a replay
	Unread   bool      // of a halted entry: no handler has ever seen the event, nor could any
	Redrives int       // how often a dead letter of this event was given back
	Order    int64     // its place in its lane, kept over rewrites and replays; 0 lets the ledger choose the last
	Error    string
	Data     any // what the engine needs to run it again; opaque here

	offset int64 // where its latest record lies; unwritten until a commit
	taken  bool  // given out by Ready: not part of the log, an abort doesn't change it
	gone   bool
}

const unwritten = -1

// open is a saga begun here. A million of them may be live, so it is small.
type open struct {
	offset   int64
	accepted int64 // Unix nanoseconds
	due      int64 // deadline in Unix nanoseconds, 0 for none
	workflow string
	told     bool // the deadline has passed and was acted on
}

// Ledger is the state of one partition. It isn't safe for concurrent use.
type Ledger struct {
	opens   map[SagaID]open
	turns   map[SagaID]*turn // of the open sagas that are to be turned round
	clock   clock
	lanes   map[string]*lane
	entries map[string]*Entry // Work and Halted by ID, and the checkpoint

	work   int // how many entries are Work
	closed closedWindow
	ready  readyWork
	log    order
	orders int64 // the highest Order given so far

	changes []Change
	undo    []func()
	changed int // since all was made as small as it can be
}

// New makes an empty ledger. A closed saga is remembered for window, but at most maxClosed of them.
func New(window time.Duration, maxClosed int) *Ledger {
	return &Ledger{
		opens:   map[SagaID]open{},
		turns:   map[SagaID]*turn{},
		lanes:   map[string]*lane{},
		entries: map[string]*Entry{},
		closed:  closedWindow{window: window, most: maxClosed},
	}
}

// OpenSagas counts the sagas begun here and not ended.
func (l *Ledger) OpenSagas() int { return len(l.opens) }

// Unfinished counts the accepted events whose handlers haven't finished.
func (l *Ledger) Unfinished() int { return l.work }

// Live counts the entries that the log must keep.
func (l *Ledger) Live() int { return len(l.opens) + len(l.entries) }

// Entry finds an entry by its ID; nil if there is none.
func (l *Ledger) Entry(id string) *Entry { return l.entries[id] }

// IsOpen says whether the saga was begun here and hasn't ended.
func (l *Ledger) IsOpen(saga SagaID) bool { _, ok := l.opens[saga]; return ok }

// OpenedAt says when the saga was accepted; zero if it isn't open.
func (l *Ledger) OpenedAt(saga SagaID) time.Time {
	if o, ok := l.opens[saga]; ok {
		return time.Unix(0, o.accepted).UTC()
	}
	return time.Time{}
}

// WorkflowOf names the workflow of an open saga.
func (l *Ledger) WorkflowOf(saga SagaID) string { return l.opens[saga].workflow }

// WasClosed says whether the saga ended here within the window before now.
func (l *Ledger) WasClosed(saga SagaID, now time.Time) bool { return l.closed.has(saga, now) }

// RememberClosed adds a saga that ended at the given time: for replaying the tail of the outcomes.
func (l *Ledger) RememberClosed(saga SagaID, at time.Time) { l.closed.add(saga, at) }

// DedupeWindow is how far back closed sagas are remembered in fact: less than configured when too many ended.
func (l *Ledger) DedupeWindow(now time.Time) time.Duration { return l.closed.effective(now) }
