package engine

import (
	"context"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// Service is what a session runs: a name and its steps, one per input topic.
type Service struct {
	Name  string
	Steps []Step
}

// Step is one subscription, with its handlers stripped of types. Topics are without the namespace prefix.
type Step struct {
	saga.Step

	// Handle decodes the event, calls the author's handler and encodes what it returned. It must honour ctx.
	// An error that is no *Failure counts as wire.ClassFailed.
	Handle func(ctx context.Context, event *wire.Event) ([]Output, error)

	// Undo calls the author's compensation of the step, if it has one.
	Undo func(ctx context.Context, stop wire.Stop) error
}

// Output is an event that a handler produced.
type Output = saga.Output

// Failure is an error with a word on what to do about it: the typed control errors of the library.
type Failure = saga.Failure

// callFor is what a handler may ask its context. A compensation gets the idempotency key of what it undoes.
func callFor(it *saga.Item, service string, attempt int) *call.Call {
	e := it.Event
	return &call.Call{
		SagaID: e.SagaID, Workflow: e.Workflow, Subject: e.Subject, EventID: e.ID, Attempt: attempt,
		EffectOf: it.EffectOf(), Service: service, Step: it.Topic, Undoing: it.Undo != nil,
	}
}
