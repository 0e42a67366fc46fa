package skald

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
)

// errClosed is why a start that waits is given up when the client is closed.
var errClosed = errors.New("the client was closed")

// untilClosed gives a context that ends with the client, too: what waits for a broker would not notice otherwise.
func (c *Client) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.closing, func() { cancel(errClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// topicOrigin tells who waits for topics where these come from.
const topicOrigin = "the workflow's services create them when they start"

// topics knows which topics a client has seen, so that it waits for each only once.
type topics struct {
	client  *kgo.Client
	logger  *slog.Logger
	looking chan struct{} // has one place, for whoever asks the broker

	mu    sync.Mutex
	there map[string]bool
}

func newTopics(client *kgo.Client, logger *slog.Logger) *topics {
	return &topics{client: client, logger: logger, looking: make(chan struct{}, 1), there: map[string]bool{}}
}

// await waits until the topics are there: a client may be started before the services, which create them, and before the broker.
func (t *topics) await(ctx context.Context, names ...string) error {
	if t.know(names) {
		return nil
	}
	select {
	case t.looking <- struct{}{}:
		defer func() { <-t.looking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if t.know(names) { // by the one who looked before
		return nil
	}
	if err := kafka.AwaitTopics(ctx, t.client, t.logger, topicOrigin, names...); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		t.there[name] = true
	}
	return nil
}

func (t *topics) know(names []string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if !t.there[name] {
			return false
		}
	}
	return true
}
