package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

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

// Call calls the step's handler, or, for an undo, its compensation, within the step's timeout. A handler that says itself what is to
// become of its event is believed, also after its time.
func (st *Step) Call(ctx context.Context, event *wire.Event, undo *saga.Undo) ([]Output, error) {
	if st.Timeout <= 0 {
		return st.invoke(ctx, event, undo)
	}
	within, cancel := context.WithTimeout(ctx, st.Timeout)
	defer cancel()
	outputs, err := st.invoke(within, event, undo)
	_, typed := errors.AsType[*Failure](err)
	if err != nil && !typed && ctx.Err() == nil && within.Err() != nil {
		err = &Failure{Class: wire.ClassTimeout, Err: fmt.Errorf("the handler took longer than %v: %w", st.Timeout, err)}
	}
	return outputs, err
}

// invoke makes a panic an error with its stack.
func (st *Step) invoke(ctx context.Context, event *wire.Event, undo *saga.Undo) (outputs []Output, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Failure{Class: wire.ClassPanic, Err: fmt.Errorf("panic: %v", p), Stack: string(debug.Stack())}
		}
	}()
	if undo != nil {
		return nil, st.Undo(ctx, undo.Stop)
	}
	return st.Handle(ctx, event)
}

// CallFor is what a handler may ask its context. A compensation gets the idempotency key of what it undoes.
func CallFor(it *saga.Item, service string, attempt int) *call.Call {
	c := new(call.Call)
	fillCall(c, it, service, attempt)
	return c
}

func fillCall(c *call.Call, it *saga.Item, service string, attempt int) {
	e := it.Event
	c.SagaID, c.Workflow, c.Subject, c.EventID, c.Attempt = e.SagaID, e.Workflow, e.Subject, e.ID, attempt
	c.EffectOf, c.Service, c.Step, c.Undoing = it.EffectOf(), service, it.Topic, it.Undo != nil
}
