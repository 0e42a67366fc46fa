package skald

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/skald-saga/skald/internal/call"
)

// SagaID is the ID of the saga whose event is being handled; empty for an event of no saga and outside of a handler.
func SagaID(ctx context.Context) string {
	if c := call.From(ctx); c != nil {
		return c.SagaID
	}
	return ""
}

// Attempt counts the attempts at this event, from 1; 0 outside of a handler.
func Attempt(ctx context.Context) int {
	if c := call.From(ctx); c != nil {
		return c.Attempt
	}
	return 0
}

// IdempotencyKey names the effect of this step in this saga. Handlers run at least once, so an effect outside of Kafka must be
// keyed by it: it is the same over retries, redrives, crashes and rebalances. Package skaldsql does that for SQL.
// Empty outside of a handler.
func IdempotencyKey(ctx context.Context) string {
	if c := call.From(ctx); c != nil {
		return c.Key()
	}
	return ""
}

// Logger is the service's logger with the saga's ID and the step; [slog.Default] outside of a handler.
func Logger(ctx context.Context) *slog.Logger {
	if c := call.From(ctx); c != nil && c.Logger != nil {
		return c.Log()
	}
	return slog.Default()
}

// Emit adds an open-loop event to what the handler produces: it goes out in the same transaction as the handler's output,
// knows its parent saga and carries no token, so nothing waits for it. The step must declare the topic by Emits, or the event
// being handled becomes a dead letter. An error means that ctx is none of a handler.
func Emit[T any](ctx context.Context, topic Topic[T], v T) error {
	c := call.From(ctx)
	if c == nil {
		return fmt.Errorf("skald: Emit to %q outside of a handler: pass the handler's context", string(topic))
	}
	if c.Undoing {
		return fmt.Errorf("skald: Emit to %q in a compensation: it takes back what was done, and tells nobody else", string(topic))
	}
	c.Emit(topic.Event(v))
	return nil
}
