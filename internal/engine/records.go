package engine

import (
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

func kafkaPartition(sagaID string, partitions int32) int32 {
	return kafka.PartitionFor([]byte(sagaID), partitions)
}

// eventRecord puts an event on a topic. One of a saga goes to the saga's partition, under its ID; an open-loop one of a saga is
// keyed by that saga; one of no saga keeps its cause's key.
func (s *Session) eventRecord(topic string, e *wire.Event, partition int32, openLoop bool, key []byte) *kgo.Record {
	r := &kgo.Record{Topic: s.topicOf(topic), Partition: partition, Key: key, Value: e.Payload, Timestamp: e.Time}
	owner := e.SagaID
	if owner == "" && openLoop {
		owner = e.ParentSaga
	}
	if owner != "" && string(key) != owner { // as a rule the cause had the same key
		r.Key = []byte(owner)
	}
	r.Headers = wire.HeadersOf[kgo.RecordHeader](e)
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

func (s *Session) inboxRecord(it *item) *kgo.Record {
	whole := s.whole(it)
	r := &kgo.Record{
		Topic: s.inbox, Partition: kafkaPartition(it.event.SagaID, s.cfg.Partitions),
		Key: []byte(it.event.SagaID), Value: whole.Value, Timestamp: whole.Time,
		Headers: []kgo.RecordHeader{{Key: headerOrigin, Value: []byte(it.topic)}},
	}
	for _, h := range whole.Headers {
		if h.Key != headerOrigin && h.Key != wire.HeaderID {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	id := it.event.ID
	if id == "" || it.event.Source == "" {
		id = it.id // it was known by where it lay, which it leaves
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: wire.HeaderID, Value: []byte(id)})
	return r
}

func (s *Session) noteRecord(it *item, reason string) *kgo.Record {
	return s.ledgerRecord(it.partition, wire.LedgerRecord{
		Op: wire.OpNote, ID: it.id, Saga: it.event.SagaID, Workflow: it.event.Workflow, Step: it.topic,
		Accepted: it.accepted, Reason: reason,
	})
}

func (s *Session) ledgerRecord(partition int32, r wire.LedgerRecord) *kgo.Record {
	return &kgo.Record{
		Topic: s.ledgerTopic, Partition: partition, Key: []byte(r.ID), Value: r.Encode(), Timestamp: time.Now(),
	}
}

// changeRecord writes down one change of a ledger.
func (s *Session) changeRecord(partition int32, c ledger.Change) *kgo.Record {
	e := c.Entry
	r := wire.LedgerRecord{
		Op: wire.OpPut, ID: e.ID, Step: e.Step, Workflow: c.Workflow, Accepted: e.Accepted, Started: e.Started,
		Due: e.Due, Attempt: e.Attempt, Error: e.Error, Order: e.Order,
	}
	if c.Op == ledger.Delete {
		r.Op = wire.OpDelete
	}
	if e.Saga != (ledger.SagaID{}) {
		r.Saga = uuid.UUID(e.Saga).String()
	}
	if e.Lane != r.Saga {
		r.Lane = e.Lane
	}
	switch e.Kind {
	case ledger.Open:
		r.Kind, r.ID, r.Due, r.Lane = wire.KindOpen, r.Saga, c.Deadline, ""
	case ledger.Work:
		r.Kind = wire.KindWork
		if it, ok := e.Data.(*item); ok && c.Op == ledger.Put {
			r.Event, r.Workflow = s.whole(it), it.event.Workflow
		}
	case ledger.Halted:
		r.Kind = wire.KindHalted
	case ledger.Checkpoint:
		r.Kind = wire.KindCheckpoint
		r.Offsets, _ = e.Data.(map[string]int64)
	}
	return s.ledgerRecord(partition, r)
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
