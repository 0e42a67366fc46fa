package engine

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// eventRecord puts an event on a topic. One of a saga goes to the saga's partition, under its ID; an open-loop one of a saga is
// keyed by that saga; one of no saga keeps its cause's key.
func (s *Session) eventRecord(topic string, e *wire.Event, partition int32, openLoop bool, key []byte) *kgo.Record {
	r := s.outbound.record()
	r.Topic, r.Partition, r.Key, r.Value, r.Timestamp = s.topicOf(topic), partition, key, e.Payload, e.Time
	owner := e.SagaID
	if owner == "" && openLoop {
		owner = e.ParentSaga
	}
	if owner != "" && string(key) != owner { // as a rule the cause had the same key
		r.Key = []byte(owner)
	}
	s.outbound.setHeaders(r, e)
	return r
}

// topicOf is a topic's name with the namespace's prefix.
func (s *Session) topicOf(topic string) string {
	full, ok := s.topics[topic]
	if !ok {
		full = s.cfg.Namespace.Topic(topic)
		s.topics[topic] = full
	}
	return full
}

func (s *Session) letterRecord(l *wire.Letter) *kgo.Record {
	return &kgo.Record{
		Topic: s.cfg.Namespace.DeadLetters(), Partition: l.Record.Partition, Key: l.Record.Key, Value: l.Value(),
		Headers: kafkaHeaders(l.Headers()), Timestamp: l.Time,
	}
}

// Encode makes an event's record.
func (d driver) Encode(o *saga.Out) int {
	var key []byte
	if o.Item != nil {
		key = recordKey(o.Item)
	}
	r := d.s.eventRecord(o.Topic, o.Event, o.Partition, o.OpenLoop, key)
	o.Record = r
	return recordSize(r)
}

// record gives the record of an Out.
func (b *batch) record(o *saga.Out) *kgo.Record {
	if r, ok := o.Record.(*kgo.Record); ok {
		return r
	}
	var r *kgo.Record
	switch o.Kind {
	case saga.Letter:
		r = b.s.letterRecord(b.letter(o))
	case saga.Forward:
		r = b.s.inboxRecord(o.Item, o.Partition)
	default:
		r = b.s.ledgerRecord(o.Partition, *o.Note)
	}
	o.Record = r
	return r
}

func (s *Session) inboxRecord(it *saga.Item, partition int32) *kgo.Record {
	whole := s.whole(it)
	r := &kgo.Record{
		Topic: s.inbox, Partition: partition, Key: []byte(it.Event.SagaID), Value: whole.Value, Timestamp: whole.Time,
	}
	for _, h := range whole.Headers {
		if h.Key != wire.HeaderOrigin && h.Key != wire.HeaderID {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	if it.Topic != "" && it.Undo == nil {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: wire.HeaderOrigin, Value: []byte(it.Topic)})
	}
	id := it.Event.ID
	if id == "" || it.Event.Source == "" {
		id = it.ID // it was known by where it lay, which it leaves
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: wire.HeaderID, Value: []byte(id)})
	return r
}

func (s *Session) ledgerRecord(partition int32, l wire.LedgerRecord) *kgo.Record {
	r := s.outbound.record()
	r.Topic, r.Partition, r.Timestamp = s.ledgerTopic, partition, time.Now()
	r.Key, r.Value = s.outbound.ledger(&l)
	return r
}

func kafkaHeaders(hs []wire.Header) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, len(hs))
	for i, h := range hs {
		out[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return out
}

func recordSize(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
