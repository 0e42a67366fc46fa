package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The versions of ledger records. A record has the lowest that knows all that it says, so that a service that is rolled back goes on
// with what it can understand, and stops at what it would misread.
const (
	ledgerVersion     = 2
	ledgerVersionBare = 1 // without undo, blocked, outcome
)

// What a ledger record does.
const (
	OpPut    = "put"    // the entry is live from here on, with this content
	OpDelete = "delete" // the entry is no longer live
	OpNote   = "note"   // nothing is kept: the record tells readers that an event was ignored, and why
)

// Kinds of entries.
const (
	KindOpen       = "open"       // a saga that this initiator began and has not ended
	KindWork       = "work"       // an accepted event whose handler has not finished
	KindHalted     = "halted"     // an event of this saga is a dead letter
	KindBlocked    = "blocked"    // an undo that can't be done, and waits for a person
	KindCheckpoint = "checkpoint" // the consumed offsets, for when the group's own have expired
)

// States of an entry, for readers: the owner works them out of the other fields.
const (
	StateQueued      = "queued"      // it waits for its turn
	StateRunning     = "running"     // its handler runs
	StateRetrying    = "retrying"    // an attempt failed; the next one is at Due
	StateUnavailable = "unavailable" // what its handler needs is not there: it waits until the step's probe succeeds
	StateHalted      = "halted"      // it is a dead letter and waits for a redrive
	StateBlocked     = "blocked"     // an undo that waits for a person, or a handler that doesn't return
	StateOverdue     = "overdue"     // an open saga past its deadline
	StateTurning     = "turning"     // an open saga that is to end as Outcome says, because of Reason, as soon as its token is found
)

// LedgerRecord is one record of a service's ledger. The record's key is the entry ID; its partition is that of the saga.
type LedgerRecord struct {
	Version  int              `json:"v"`
	Op       string           `json:"op"`
	Kind     string           `json:"kind,omitempty"`
	ID       string           `json:"id"`
	Saga     string           `json:"saga,omitempty"`
	Workflow string           `json:"workflow,omitempty"`
	Step     string           `json:"step,omitempty"`    // input topic of the step
	Accepted time.Time        `json:"accepted,omitzero"` // when the event was taken
	Started  time.Time        `json:"started,omitzero"`  // when the handler began; not set while it queues
	Due      time.Time        `json:"due,omitzero"`      // the saga's deadline, or the next attempt
	Attempt  int              `json:"attempt,omitempty"` // attempts begun
	State    string           `json:"state,omitempty"`   // for readers
	Undo     bool             `json:"undo,omitempty"`    // the event is an undo: the work is a compensation (work, blocked)
	Letter   string           `json:"letter,omitempty"`  // ID of the dead letter that halts the lane (halted)
	Unread   bool             `json:"unread,omitempty"`  // no handler has seen the event, nor could any (halted)
	Redrives int              `json:"redrives,omitempty"`
	Outcome  string           `json:"outcome,omitempty"` // how an open saga is to end, once its token is found: cancelled or expired
	Told     bool             `json:"told,omitempty"`    // the deadline of an open saga has passed, and was acted on
	Answer   string           `json:"answer,omitempty"`  // to the command that a note is about
	Error    string           `json:"error,omitempty"`   // of the last attempt
	Order    int64            `json:"order,omitempty"`   // place among the saga's entries (work, halted)
	Lane     string           `json:"lane,omitempty"`    // which entries run one at a time, if not those of the saga
	Reason   string           `json:"reason,omitempty"`  // of a note; of Outcome
	Event    *Record          `json:"event,omitempty"`   // the accepted record, whole (work, blocked; halted, unless it is too large)
	Offsets  map[string]int64 `json:"offsets,omitempty"` // next offset per input topic (checkpoint)
}

// Encode gives the record's value.
func (r LedgerRecord) Encode() []byte { return r.Append(nil) }

// Append appends the record's value to b.
func (r LedgerRecord) Append(b []byte) []byte {
	r.Version = ledgerVersionBare
	if r.Undo || r.Outcome != "" || r.Kind == KindBlocked {
		r.Version = ledgerVersion
	}
	if r.Event == nil && r.Offsets == nil {
		return r.plain(b)
	}
	value, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain values only: can't fail
	}
	return append(b, value...)
}

// plain is Append for a record without event and offsets: every saga has two of them at its initiator.
func (r *LedgerRecord) plain(b []byte) []byte {
	b = slices.Grow(b, 256)
	b = strconv.AppendInt(append(b, `{"v":`...), int64(r.Version), 10)
	b = appendText(append(b, `,"op":`...), r.Op)
	b = appendTextField(b, `,"kind":`, r.Kind)
	b = appendText(append(b, `,"id":`...), r.ID)
	b = appendTextField(b, `,"saga":`, r.Saga)
	b = appendTextField(b, `,"workflow":`, r.Workflow)
	b = appendTextField(b, `,"step":`, r.Step)
	b = appendTimeField(b, `,"accepted":`, r.Accepted)
	b = appendTimeField(b, `,"started":`, r.Started)
	b = appendTimeField(b, `,"due":`, r.Due)
	b = appendNumberField(b, `,"attempt":`, int64(r.Attempt))
	b = appendTextField(b, `,"state":`, r.State)
	b = appendTrueField(b, `,"undo":`, r.Undo)
	b = appendTextField(b, `,"letter":`, r.Letter)
	b = appendTrueField(b, `,"unread":`, r.Unread)
	b = appendNumberField(b, `,"redrives":`, int64(r.Redrives))
	b = appendTextField(b, `,"outcome":`, r.Outcome)
	b = appendTrueField(b, `,"told":`, r.Told)
	b = appendTextField(b, `,"answer":`, r.Answer)
	b = appendTextField(b, `,"error":`, r.Error)
	b = appendNumberField(b, `,"order":`, r.Order)
	b = appendTextField(b, `,"lane":`, r.Lane)
	b = appendTextField(b, `,"reason":`, r.Reason)
	return append(b, '}')
}

// DecodeLedgerRecord reads a record of a ledger. A record from the future is an error that must stop the owner: to pass
// over it would be to forget accepted work.
func DecodeLedgerRecord(value []byte) (LedgerRecord, error) {
	var r LedgerRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("no ledger record: %w", err)
	}
	if r.Version > ledgerVersion {
		return r, fmt.Errorf("ledger record version %d is newer than this Skald knows (%d): upgrade it", r.Version, ledgerVersion)
	}
	return r, nil
}
