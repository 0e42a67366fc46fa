package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

const ledgerVersion = 1

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
	KindCheckpoint = "checkpoint" // the consumed offsets, for when the group's own have expired
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
	Error    string           `json:"error,omitempty"`   // of the last attempt
	Order    int64            `json:"order,omitempty"`   // place among the saga's entries (work, halted)
	Lane     string           `json:"lane,omitempty"`    // which entries run one at a time, if not those of the saga
	Reason   string           `json:"reason,omitempty"`  // of a note
	Event    *Record          `json:"event,omitempty"`   // the accepted record, whole (work)
	Offsets  map[string]int64 `json:"offsets,omitempty"` // next offset per input topic (checkpoint)
}

// Encode gives the record's value.
func (r LedgerRecord) Encode() []byte {
	r.Version = ledgerVersion
	if r.Event == nil && r.Offsets == nil {
		return r.plain()
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain values only: can't fail
	}
	return b
}

// plain is Encode for a record without event and offsets: every saga has two of them at its initiator.
func (r LedgerRecord) plain() []byte {
	b := make([]byte, 0, 256)
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
