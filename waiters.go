package skald

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// waiters reads the outcomes topic from where it ended at the client's first start, and tells whoever waits.
type waiters struct {
	connection kafka.Connection
	topic      string

	beginning chan struct{} // has one place, for whoever begins the reader or closes it
	closed    sync.Once
	reader    *kafka.Reader
	wait      sync.WaitGroup

	mu     sync.Mutex
	bySaga map[string]*waiter
}

// waiter is for one saga, however many started it.
type waiter struct {
	saga    string
	starts  int // guarded by waiters.mu
	done    chan struct{}
	outcome Outcome
	err     error
}

func newWaiters(c kafka.Connection, topic string) *waiters {
	return &waiters{
		connection: c, topic: topic, beginning: make(chan struct{}, 1), bySaga: map[string]*waiter{},
	}
}

func (ws *waiters) add(saga string) *waiter {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.bySaga[saga]
	if w == nil {
		w = &waiter{saga: saga, done: make(chan struct{})}
		ws.bySaga[saga] = w
	}
	w.starts++
	return w
}

// forget is for a start that failed. Others may have started the same saga, and still wait.
func (ws *waiters) forget(w *waiter) {
	if w == nil {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.starts--; w.starts == 0 && ws.bySaga[w.saga] == w {
		delete(ws.bySaga, w.saga)
	}
}

// watch begins to read, once, before the first start is published: an outcome can't be there earlier. ctx must end when the client is
// closed.
func (ws *waiters) watch(ctx context.Context) error {
	select {
	case ws.beginning <- struct{}{}:
		defer func() { <-ws.beginning }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ws.reader != nil {
		return nil
	}
	reader, err := kafka.NewReader(append(ws.connection.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return err
	}
	from, err := ws.ends(ctx, reader)
	if err != nil {
		reader.Close()
		err = kafka.About(err, kafka.Topic, ws.topic, "Read")
		return fmt.Errorf("can't watch outcomes in %s: %w", ws.topic, ws.explain(ctx, err))
	}
	reader.AddConsumePartitions(map[string]map[int32]kgo.Offset{ws.topic: from})
	ws.reader = reader
	ws.wait.Go(ws.read)
	return nil
}

// ends asks where the outcomes end now, and waits for a broker that has gone away.
func (ws *waiters) ends(ctx context.Context, reader *kafka.Reader) (map[int32]kgo.Offset, error) {
	for {
		listed, err := kadm.NewClient(reader.Client).ListEndOffsets(ctx, ws.topic)
		if err == nil {
			err = listed.Error()
		}
		if err == nil {
			from := map[int32]kgo.Offset{}
			listed.Each(func(o kadm.ListedOffset) { from[o.Partition] = kgo.NewOffset().At(o.Offset) })
			return from, nil
		}
		if !ws.connection.Explain(err).Retry {
			return nil, err
		}
		if err := kafka.AwaitTopics(ctx, reader.Client, ws.connection.Logger, topicOrigin, ws.topic); err != nil {
			return nil, err
		}
	}
}

// explain says what an error of Kafka's means. That ctx has ended means nothing: brokers are only named.
func (ws *waiters) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w (Kafka at %s)", err, strings.Join(ws.connection.Brokers, ", "))
	}
	return ws.connection.Explained(err)
}

func (ws *waiters) read() {
	for {
		fetches := ws.reader.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			ws.tell(string(r.Key), r.Value)
		}
	}
}

func (ws *waiters) tell(saga string, value []byte) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.bySaga[saga]
	if w == nil {
		return
	}
	delete(ws.bySaga, saga)
	o, err := wire.DecodeOutcome(value)
	w.outcome, w.err = Outcome{Outcome: o.Outcome, Reason: o.Reason, Started: o.Started, Ended: o.Ended, Undone: o.Undone}, err
	close(w.done)
}

func (ws *waiters) close() { ws.closed.Do(ws.end) }

func (ws *waiters) end() {
	ws.beginning <- struct{}{} // and it is kept: nobody begins to read any more
	if ws.reader != nil {
		ws.reader.Close()
	}
	ws.wait.Wait()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for id, w := range ws.bySaga {
		w.err = errors.New("skald: the client was closed before the saga ended")
		close(w.done)
		delete(ws.bySaga, id)
	}
}
