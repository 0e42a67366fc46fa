// Package call carries one handler call through a context: what the engine says to a handler (whose saga, which attempt,
// the idempotency key) and what the handler says back besides its result (open-loop events).
//
// It is a package of its own so that the library, the engine and skaldtest share one key. It imports nothing of Skald.
package call

import (
	"context"
	"log/slog"
	"sync"
)

// Call is one execution of a handler, and the context that carries it.
type Call struct {
	context.Context //nolint:containedctx // it is one

	SagaID   string // empty for an event of no saga
	Workflow string
	Subject  string
	EventID  string
	Attempt  int // from 1

	EffectOf string // the saga, or the event of none, that the handler's effect belongs to
	Service  string
	Step     string // input topic
	Undoing  bool   // the handler is a step's compensation

	Logger *slog.Logger // the service's

	mu      sync.Mutex
	emitted []any
}

type contextKey struct{}

// With returns a context that carries the call: the call itself, put upon ctx.
func With(ctx context.Context, c *Call) context.Context {
	c.Context = ctx
	return c
}

// Value gives the call itself for the key that From asks by.
func (c *Call) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// From gives the call that the context carries, or nil outside of a handler.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}

// Key is the idempotency key of the handler's effect. It is made when it is asked for: many handlers have no effect outside of Kafka.
func (c *Call) Key() string { return IdempotencyKey(c.EffectOf, c.Service, c.Step) }

// Log is the service's logger with what is handled.
func (c *Call) Log() *slog.Logger { return c.Logger.With("saga", c.SagaID, "step", c.Step) }

// Emit keeps an event until the handler returns. Safe for concurrent use.
func (c *Call) Emit(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.emitted = append(c.emitted, event)
}

// Emitted gives what was emitted, in order.
func (c *Call) Emitted() []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.emitted
}
