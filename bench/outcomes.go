package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// toEndTimeout bounds how long the last outcomes may take to be read when the services have stopped.
const toEndTimeout = 30 * time.Second

// outcomes reads a turn's outcomes into the book: what is committed, from the first on, each time that it is there.
type outcomes struct {
	client *kafka.Reader
	topic  string
	book   *book
	wait   sync.WaitGroup

	mu   sync.Mutex
	next map[int32]int64 // offsets, control records counted
	read chan struct{}   // closed and made anew when next has moved
}

func (s spec) outcomesTopic() string {
	if s.Contestant.isSkald() {
		return wire.Namespace(s.Prefix).Outcomes()
	}
	return wire.Namespace(s.Prefix).Topic(bareOutcomes)
}

func readOutcomes(ctx context.Context, s spec, b *book) (*outcomes, error) {
	o := &outcomes{topic: s.outcomesTopic(), book: b, next: map[int32]int64{}, read: make(chan struct{})}
	from := map[int32]kgo.Offset{}
	for p := range int32(s.Partitions) {
		from[p] = kgo.NewOffset().AtStart()
	}
	connection := kafka.Connection{Brokers: []string{s.Addr}}
	client, err := kafka.NewReader(append(connection.Options(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // else toEnd couldn't tell that a marker is all there is left
	)...)
	if err != nil {
		return nil, err
	}
	o.client = client
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	o.wait.Go(o.loop)
	return o, nil
}

func (o *outcomes) loop() {
	for {
		fetches := o.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		at := time.Now()
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if !r.Attrs.IsControl() {
				var value outcome
				_ = json.Unmarshal(r.Value, &value) // what can't be read isn't completed, and so has failed
				o.book.end(string(r.Key), at, value.Outcome)
			}
			o.mu.Lock()
			o.next[r.Partition] = r.Offset + 1
			o.mu.Unlock()
		}
		o.book.burst(at)
		o.mu.Lock()
		close(o.read)
		o.read = make(chan struct{})
		o.mu.Unlock()
	}
}

// toEnd returns when all outcomes have been read that are committed by now.
func (o *outcomes) toEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, toEndTimeout)
	defer cancel()
	ends, err := kadm.NewClient(o.client.Client).ListCommittedOffsets(ctx, o.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("find the end of the outcomes: %w", err)
	}
	for {
		o.mu.Lock()
		read, behind := o.read, false
		ends.Each(func(end kadm.ListedOffset) { behind = behind || o.next[end.Partition] < end.Offset })
		o.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-read:
		case <-ctx.Done():
			return fmt.Errorf("read the outcomes to their end: %w", ctx.Err())
		}
	}
}

func (o *outcomes) close() {
	o.client.Close()
	o.wait.Wait()
}
