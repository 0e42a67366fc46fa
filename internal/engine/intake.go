package engine

import (
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// newMachine makes what decides for this session.
func (s *Session) newMachine() *saga.Machine {
	m := saga.NewMachine(s.service.Name, s.steps)
	var key []byte // the loop's alone
	m.Partition = func(id string) int32 {
		key = append(key[:0], id...)
		return kafka.PartitionFor(key, s.cfg.Partitions)
	}
	m.Chance = rand.Float64
	m.MaxEvent, m.InboxRoom = maxEvent, inboxFrame
	m.Whole = s.whole
	return m
}

// incoming reads a polled record.
func (s *Session) incoming(in *saga.Incoming, r *kgo.Record, topicID [16]byte) {
	*in = saga.Incoming{
		Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, TopicID: topicID, Size: recordSize(r), Source: r,
	}
	in.Topic, _ = s.cfg.Namespace.Name(r.Topic)
	if r.Topic == s.inbox {
		in.Origin, in.Command = headerOf(r, wire.HeaderOrigin), headerOf(r, wire.HeaderCommand)
	}
	in.Event, in.Err = wire.Parse(r.Headers, r.Value)
}

// driver is the session as the machine's batches see it.
type driver struct{ s *Session }

func (d driver) Find(k saga.Key) *saga.Execution {
	if e := d.s.executions.all[k]; e != nil {
		return &e.Execution
	}
	return nil
}

func (d driver) Places(step *saga.Step) int            { return d.s.executions.places(step) }
func (d driver) Forget(e *saga.Execution)              { d.s.executions.forget(e) }
func (d driver) Abandon(e *saga.Execution)             { d.s.executions.abandonOne(e) }
func (d driver) Ledger(partition int32) *ledger.Ledger { return d.s.ledgers[partition] }

// whole gives an item's record. Most are never asked for it.
func (s *Session) whole(it *saga.Item) *wire.Record {
	r, ok := it.Source.(*kgo.Record)
	if !ok {
		return it.Source.(*wire.Record)
	}
	w := &wire.Record{Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}
	w.Topic, _ = s.cfg.Namespace.Name(r.Topic)
	w.Headers = make([]wire.Header, len(r.Headers))
	for i, h := range r.Headers {
		w.Headers[i] = wire.Header{Key: h.Key, Value: h.Value}
	}
	it.Source = w
	return w
}

// recordKey is the key of the item's record.
func recordKey(it *saga.Item) []byte {
	switch r := it.Source.(type) {
	case *kgo.Record:
		return r.Key
	case *wire.Record:
		return r.Key
	}
	return nil
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
