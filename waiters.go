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

	start  sync.Mutex // held while the reader is begun
	reader *kafka.Reader
	wait   sync.WaitGroup

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
	return &waiters{connection: c, topic: topic, bySaga: map[string]*waiter{}}
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

// watch begins to read, once, before the first start is published: an outcome can't be there earlier.
func (ws *waiters) watch(ctx context.Context) error {
	ws.start.Lock()
	defer ws.start.Unlock()
	if ws.reader != nil {
		return nil
	}
	reader, err := kafka.NewReader(append(ws.connection.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return fmt.Errorf("skald: %w", err)
	}
	ends, err := kadm.NewClient(reader.Client).ListEndOffsets(ctx, ws.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		reader.Close()
		err = kafka.About(err, kafka.Topic, ws.topic, "Read")
		return fmt.Errorf("skald: can't watch outcomes in %s: %w", ws.topic, ws.explain(ctx, err))
	}
	from := map[string]map[int32]kgo.Offset{ws.topic: {}}
	ends.Each(func(o kadm.ListedOffset) { from[ws.topic][o.Partition] = kgo.NewOffset().At(o.Offset) })
	reader.AddConsumePartitions(from)
	ws.reader = reader
	ws.wait.Go(ws.read)
	return nil
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
	w.outcome, w.err = Outcome{Outcome: o.Outcome, Reason: o.Reason, Started: o.Started, Ended: o.Ended}, err
	close(w.done)
}

func (ws *waiters) close() {
	ws.start.Lock()
	defer ws.start.Unlock()
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
