package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// How a saga ended.
const (
	Completed = "completed"
	Rejected  = "rejected"
	Cancelled = "cancelled"
	Expired   = "expired"
	Abandoned = "abandoned"
)

// OutcomeType is the ce_type of the records in the outcomes topic.
const OutcomeType = "skald.outcome"

const outcomeVersion = 1

// Outcome is the payload of the one record that ends a saga. It travels as an event: workflow, saga ID, subject, causing
// event, hop and the times of the End handler are its headers.
type Outcome struct {
	Version int       `json:"v"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Started time.Time `json:"started"` // when the initiator accepted the saga's start
	Ended   time.Time `json:"ended"`
	Undone  []string  `json:"undone,omitempty"` // services whose steps were undone, in the order of undoing
}

// Encode gives the payload.
func (o Outcome) Encode() []byte {
	b := strconv.AppendInt(append(make([]byte, 0, 160), `{"v":`...), outcomeVersion, 10)
	b = appendText(append(b, `,"outcome":`...), o.Outcome)
	b = appendTextField(b, `,"reason":`, o.Reason)
	b = appendTime(append(b, `,"started":`...), o.Started)
	b = appendTime(append(b, `,"ended":`...), o.Ended)
	for i, service := range o.Undone {
		if i == 0 {
			b = append(b, `,"undone":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendText(b, service)
	}
	if len(o.Undone) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// DecodeOutcome reads the payload of an outcome record.
func DecodeOutcome(value []byte) (Outcome, error) {
	var o Outcome
	if err := json.Unmarshal(value, &o); err != nil {
		return o, fmt.Errorf("no outcome record: %w", err)
	}
	if o.Version > outcomeVersion {
		return o, fmt.Errorf("outcome record version %d is newer than this Skald knows (%d): upgrade it", o.Version, outcomeVersion)
	}
	return o, nil
}
