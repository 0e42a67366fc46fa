package skald

import (
	"errors"
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// Reject says that the saga must not go on for a business reason, e.g. no device in stock. It isn't tried again: what was done is
// undone, and the saga ends as rejected. For an event of no saga it makes a dead letter. A compensation that rejects is blocked.
func Reject(reason string) error {
	return &engine.Failure{Class: wire.ClassRejected, Err: errors.New(reason)}
}

// RetryAfter says that the attempt failed and that the next one makes sense after d, which takes the place of the policy's delay. It counts
// as an attempt. d is bounded by 30 days; 0 or less leaves it to the policy.
func RetryAfter(d time.Duration, err error) error {
	return &engine.Failure{Class: wire.ClassFailed, After: min(d, maxBackoff), Err: err}
}

// Unavailable says that what the handler needs is not there, for this event as for any other: an outage isn't the event's fault. No
// attempt is burnt. The step pauses: one event at a time is tried, with backoff from about a second to 30 seconds, and the others wait
// until a handler of this instance returns anything else.
func Unavailable(err error) error {
	return &engine.Failure{Class: wire.ClassUnavailable, Err: err}
}

// Poison says that this event can never be handled: it becomes a dead letter at once.
func Poison(err error) error {
	return &engine.Failure{Class: wire.ClassPoison, Err: err}
}

// FieldError says what is wrong with one field of an event. An event type's Validate method returns one, or several joined
// by [errors.Join]; the API, the CLI and dead letters show them.
type FieldError struct {
	Field   string // as named in the payload, e.g. "department"
	Problem string // what is wrong and what is allowed, e.g. `"sails" is none of engineering, sales`
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Invalid makes a [FieldError].
func Invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// NotReadyError is that a start waited for the broker or for topics until its context ended, or that waiting can't help: a login
// that is refused, say. Nothing was published.
type NotReadyError struct{ Err error }

func (e *NotReadyError) Error() string { return "skald: " + e.Err.Error() }
func (e *NotReadyError) Unwrap() error { return e.Err }

// Validator is implemented by event types that can say whether a value makes sense. A start that isn't valid is refused
// before anything is published; an event that isn't valid becomes a dead letter before its handler is called.
type Validator interface{ Validate() error }
