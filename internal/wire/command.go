package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Headers of records in an inbox that are Skald's own.
const (
	// HeaderCommand marks a record as a command and holds it, as JSON. What else is on the record is the event that it is about, if any.
	HeaderCommand = "skald-command"
	// HeaderOrigin names the topic whose step an event in the inbox is for.
	HeaderOrigin = "skald-origin-topic"
)

// What a command asks for.
const (
	CommandRedrive = "redrive" // give a dead letter back to the service that gave up on it; the record carries the event
	CommandDiscard = "discard" // give a dead letter up: undo what was done, and end its saga as abandoned; the record carries the event
	CommandCancel  = "cancel"  // to the initiator: undo what was done, and end the saga as cancelled
	CommandAbandon = "abandon" // to the initiator: end the saga as abandoned without undoing anything, as its token never returns
	CommandUnblock = "unblock" // to a service in which an undo is blocked
)

// What a person may decide about a blocked undo.
const (
	DecideRetry    = "retry"    // run the compensation again
	DecideResolved = "resolved" // it was undone by hand: pass on
)

// Answers to commands, in the ledger's note of them.
const (
	AnswerAccepted = "accepted"
	AnswerRefused  = "refused"
)

// commandVersion is the newest that is known here. A command has the lowest version that can tell it: who knows only version 1 must refuse
// an edited event, and would run the event that it has kept.
const (
	commandVersion = 2
	plainVersion   = 1
)

// Command is what a person, or a program on their behalf, asks of a service. It goes to the service's inbox, in the partition of the
// saga. The answer is a note in the service's ledger with the command's ID.
type Command struct {
	Version  int        `json:"v"`
	ID       string     `json:"id"` // a UUID
	Kind     string     `json:"kind"`
	Saga     string     `json:"saga,omitempty"`
	Letter   *LetterRef `json:"letter,omitempty"`   // redrive, discard
	Edited   bool       `json:"edited,omitempty"`   // redrive: the record's value takes the place of the event's payload; version 2
	Decision string     `json:"decision,omitempty"` // unblock
	Reason   string     `json:"reason,omitempty"`
	By       string     `json:"by,omitempty"` // who asks
	Time     time.Time  `json:"time"`
}

// LetterRef names a dead letter: by its ID, and for people by where it lies.
type LetterRef struct {
	ID        string `json:"id"`
	Event     string `json:"event"` // the ID by which the service knows the event
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Encode gives the header's value.
func (c Command) Encode() []byte {
	c.Version = plainVersion
	if c.Edited {
		c.Version = commandVersion
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers and a time in range: can't fail
	}
	return b
}

// DecodeCommand reads a command and checks that it has what its kind needs.
func DecodeCommand(value []byte) (Command, error) {
	var c Command
	if err := json.Unmarshal(value, &c); err != nil {
		return c, fmt.Errorf("no command: %w", err)
	}
	if c.Version > commandVersion {
		return c, fmt.Errorf("command version %d is newer than this Skald knows (%d): upgrade it", c.Version, commandVersion)
	}
	return c, c.check()
}

func (c *Command) check() error {
	if uuid.Validate(c.ID) != nil {
		return fmt.Errorf("a command needs a UUID as its ID, %q is none", clip(c.ID))
	}
	if c.Saga != "" {
		id, err := ParseSagaID(c.Saga)
		if err != nil {
			return fmt.Errorf("command %s: saga %w", c.Kind, err)
		}
		c.Saga = id
	}
	switch c.Kind {
	case CommandRedrive, CommandDiscard:
		if c.Letter == nil || c.Letter.ID == "" || c.Letter.Event == "" {
			return fmt.Errorf("command %s doesn't say which dead letter it is about", c.Kind)
		}
	case CommandCancel, CommandAbandon, CommandUnblock:
		if c.Saga == "" {
			return fmt.Errorf("command %s doesn't say which saga it is about", c.Kind)
		}
	default:
		return fmt.Errorf("command %q is not known here", clip(c.Kind))
	}
	if c.Edited && c.Kind != CommandRedrive {
		return fmt.Errorf("an event can be edited when it is redriven, not with %s", c.Kind)
	}
	if c.Kind == CommandUnblock && c.Decision != DecideRetry && c.Decision != DecideResolved {
		return fmt.Errorf("unblock can be decided as %q or %q, not %q", DecideRetry, DecideResolved, clip(c.Decision))
	}
	return nil
}

// Types of events that turn a saga round.
const (
	UndoType   = "skald.undo"   // in inboxes: the token on its way back; the slip says what is still to be undone
	CancelType = "skald.cancel" // in the topic of cancellations: whoever holds the saga's token is asked to turn it round
)

const turnVersion = 1

// Turn is the payload of both: how the saga will end, and why.
type Turn struct {
	Version int      `json:"v"`
	Outcome string   `json:"outcome"`
	Reason  string   `json:"reason,omitempty"`
	Undone  []string `json:"undone,omitempty"` // services whose steps are undone already, in the order of undoing
}

// Encode gives the payload.
func (t Turn) Encode() []byte {
	t.Version = turnVersion
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings only: can't fail
	}
	return b
}

// DecodeTurn reads the payload.
func DecodeTurn(value []byte) (Turn, error) {
	var t Turn
	if err := json.Unmarshal(value, &t); err != nil {
		return t, fmt.Errorf("no undo: %w", err)
	}
	switch {
	case t.Version > turnVersion:
		return t, fmt.Errorf("undo version %d is newer than this Skald knows (%d): upgrade it", t.Version, turnVersion)
	case len(t.Undone) > MaxRouteStops:
		return t, errors.New("more steps undone than a slip has")
	case !slices.Contains([]string{Rejected, Cancelled, Expired, Abandoned}, t.Outcome):
		return t, fmt.Errorf("an undo can't end a saga as %q", clip(t.Outcome))
	}
	return t, nil
}

// LetterID names the dead letter that a service makes of an event, the first (0) or a later one, after so many redrives.
func LetterID(eventID, service, step string, redrives int) string {
	return EventID(eventID, service, step+sep+"letter", redrives)
}

// IsInbox says whether a topic, without its prefix, is a service's inbox.
func IsInbox(topic string) bool {
	return strings.HasPrefix(topic, "skald.") && strings.HasSuffix(topic, ".inbox")
}
