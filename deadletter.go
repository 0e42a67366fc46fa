package skald

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// DeadLetter is an event that a service gave up on, as it lies in the dead-letter topic.
type DeadLetter struct {
	Partition int32 // of the dead-letter topic, with Offset: its coordinates
	Offset    int64
	Time      time.Time

	Service  string
	Step     string // input topic
	SagaID   string // empty if the event belongs to none
	Workflow string
	Subject  string
	Class    string // failed, timeout, panic, poison, rejected, too-large
	Error    string
	Attempts int
	Halted   bool // it halts its saga
	Cut      int  // the event's size in bytes, if the letter holds only its beginning

	ID      string // of the letter: a redrive of it is admitted once
	EventID string // the ID by which the service knows the event

	// The event, as it lay in its topic.
	Topic   string
	From    int32 // partition
	At      int64 // offset
	Key     []byte
	Headers []Header
	Payload []byte
	Stack   string // of a panic
}

// Header is a header of a record.
type Header struct {
	Key   string
	Value []byte
}

// DeadLetters reads the dead-letter topic from its start to its end as of now, partition by partition, and calls yield for each letter
// until that returns false. What can't be read as a letter is passed over.
func (c *Client) DeadLetters(ctx context.Context, yield func(DeadLetter) bool) error {
	return c.deadLetters(ctx, func(map[int32]kgo.Offset, map[int32]int64) {}, yield)
}

// DeadLetter reads the one at those coordinates.
func (c *Client) DeadLetter(ctx context.Context, partition int32, offset int64) (l DeadLetter, err error) {
	found := false
	err = c.deadLetters(ctx, func(from map[int32]kgo.Offset, ends map[int32]int64) {
		end, ok := ends[partition]
		clear(from)
		clear(ends)
		if ok && offset >= 0 && offset < end {
			from[partition], ends[partition] = kgo.NewOffset().At(offset), offset+1
		}
	}, func(other DeadLetter) bool {
		l, found = other, true
		return false
	})
	if err == nil && !found {
		err = fmt.Errorf("skald: there is no dead letter at %d/%d of %s", partition, offset, c.cfg.namespace().DeadLetters())
	}
	return l, err
}

// deadLetters reads what is left of the topic when narrow has taken away what isn't wanted.
func (c *Client) deadLetters(ctx context.Context, narrow func(map[int32]kgo.Offset, map[int32]int64), yield func(DeadLetter) bool) error {
	topic := c.cfg.namespace().DeadLetters()
	reader, err := kgo.NewClient(append(c.waiters.connection.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return fmt.Errorf("skald: %w", err)
	}
	defer reader.Close()
	from, ends, err := wholeOf(ctx, reader, topic)
	if err != nil {
		return fmt.Errorf("skald: the dead letters can't be read: %w", c.waiters.explain(ctx, kafka.About(err, kafka.Topic, topic, "Read")))
	}
	narrow(from, ends)
	reader.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for len(ends) > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("skald: the dead letters were not all read: %w", ctx.Err())
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end, wanted := ends[r.Partition]
			if !wanted {
				continue
			}
			if !r.Attrs.IsControl() && r.Offset < end {
				if l, ok := letterOf(r); ok && !yield(l) {
					return nil
				}
			}
			if r.Offset+1 >= end {
				delete(ends, r.Partition)
			}
		}
	}
	return nil
}

// wholeOf gives where a topic's partitions begin and where what is committed ends, without those that are empty.
func wholeOf(ctx context.Context, client *kgo.Client, topic string) (from map[int32]kgo.Offset, ends map[int32]int64, err error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	from, ends = map[int32]kgo.Offset{}, map[int32]int64{}
	stable.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, o.Partition); ok && start.Offset < o.Offset {
			from[o.Partition] = kgo.NewOffset().At(start.Offset)
			ends[o.Partition] = o.Offset
		}
	})
	return from, ends, nil
}

func letterOf(r *kgo.Record) (DeadLetter, bool) {
	w := wire.Record{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		w.Headers = append(w.Headers, wire.Header(h))
	}
	return letterIn(&w)
}

// letterIn reads a letter, and is false if the record is none.
func letterIn(r *wire.Record) (DeadLetter, bool) {
	l, err := wire.ParseLetter(r)
	if err != nil {
		return DeadLetter{}, false
	}
	e, _ := wire.Parse(l.Record.Headers, l.Record.Value) // that it can't be read may be why it is here
	letter := DeadLetter{
		Partition: r.Partition, Offset: r.Offset, Time: l.Time, Service: l.Service, Step: l.Step, SagaID: e.SagaID, Workflow: e.Workflow,
		Subject: e.Subject, Class: l.Class, Error: l.Error, Attempts: l.Attempts, Halted: l.Halted, Cut: l.Cut, ID: l.ID, EventID: l.Event,
		Topic: l.Record.Topic, From: l.Record.Partition, At: l.Record.Offset, Key: l.Record.Key, Payload: l.Record.Value, Stack: l.Stack,
	}
	for _, h := range l.Record.Headers {
		letter.Headers = append(letter.Headers, Header(h))
	}
	return letter, true
}
