package skaldtest

import (
	"context"
	"log/slog"

	"github.com/skald-saga/skald/internal/call"
)

// Context returns a context as the engine gives it to the handler of service's step on inputTopic, at its first attempt in
// the saga sagaID: [skald.SagaID], [skald.IdempotencyKey], [skald.Attempt], [skald.Logger] and [skald.Emit] work in it.
func Context(ctx context.Context, sagaID, service, inputTopic string) context.Context {
	return call.With(ctx, &call.Call{
		SagaID: sagaID, Attempt: 1, EffectOf: sagaID, Service: service, Step: inputTopic,
		Logger: slog.New(slog.DiscardHandler),
	})
}
