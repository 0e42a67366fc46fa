package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/wire"
)

// Service is what a session runs: a name and its steps, one per input topic.
type Service struct {
	Name  string
	Steps []Step
}

// Step is one subscription, with its handler stripped of types. Topics are without the namespace prefix.
type Step struct {
	wire.Step
	SchemaVersion int // of the input, as known here
	Concurrency   int // handlers at a time, in one process

	// Handle decodes the event, calls the author's handler and encodes what it returned. It must honour ctx.
	// An error that is no *Failure counts as wire.ClassFailed.
	Handle func(ctx context.Context, event *wire.Event) ([]Output, error)

	// Readable says whether the payload can be decoded and is valid.
	Readable func(event *wire.Event) error

	// Subject reads the business key from a start's payload (role begin).
	Subject func(event *wire.Event) string
}

// Output is an event that a handler produced.
type Output struct {
	Topic       string
	Payload     []byte
	ContentType string
	Schema      string
	OpenLoop    bool // carries no token: the saga doesn't wait for it
}

// Failure is an error with a word on what to do about it: the typed control errors of the library.
type Failure struct {
	Class string // wire.ClassFailed and so on
	After time.Duration
	Stack string
	Err   error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

func poison(format string, args ...any) *Failure {
	return &Failure{Class: wire.ClassPoison, Err: fmt.Errorf(format, args...)}
}

// callFor is what a handler may ask its context.
func (it *item) callFor(service string, attempt int) *call.Call {
	e := it.event
	return &call.Call{
		SagaID: e.SagaID, Workflow: e.Workflow, Subject: e.Subject, EventID: e.ID, Attempt: attempt,
		EffectOf: it.effectOf(), Service: service, Step: it.step.Topic,
	}
}

// effectOf is what the effect belongs to: the saga, or else the event, which may have no ID of its own, or one that is unique only
// beside its source.
func (it *item) effectOf() string {
	if it.event.SagaID != "" {
		return it.event.SagaID
	}
	return it.id
}

// effect is the idempotency key of the item's step.
func (it *item) effect(service string) string {
	return call.IdempotencyKey(it.effectOf(), service, it.step.Topic)
}
