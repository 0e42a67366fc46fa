package engine

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// item is a record on its way through a batch: which step takes it, for which saga, in which lane.
type item struct {
	polled    *kgo.Record  // nil for what came from the ledger
	record    *wire.Record // the same for other rooms, made by whole when it is asked for
	event     *wire.Event
	topic     string // of the step: the record's, or, in the inbox, the one that it was forwarded from
	step      *Step  // nil when the service has none on that topic
	partition int32
	saga      ledger.SagaID
	key       executionKey
	id        string // of the ledger entry: the event
	lane      string
	accepted  time.Time

	entry *ledger.Entry // if it came from the ledger, or was parked
}

// executionKey names an execution: step and event. It has the partition in it: the same event, sent twice to two partitions, is two
// records to account for.
type executionKey struct {
	partition int32
	topic, id string
}

// headerOrigin names, on an inbox record, the topic whose step the record is for.
const headerOrigin = "skald-origin-topic"

// verdict says what becomes of a record before any ledger is asked.
type verdict int

const (
	run     verdict = iota
	forward         // to the inbox, in the partition of its saga
	pass            // not this service's business
	refuse          // a dead letter
)

// judge reads a record. With refuse it says why in the failure.
func (s *Session) judge(r *kgo.Record, topicID [16]byte, now time.Time) (*item, verdict, *Failure) {
	it := &item{polled: r, partition: r.Partition, accepted: now}
	it.topic, _ = s.cfg.Namespace.Name(r.Topic)
	most := maxEvent
	if r.Topic == s.inbox {
		it.topic = headerOf(r, headerOrigin)
		most += inboxFrame
	}
	it.step = s.steps[it.topic]
	event, err := wire.Parse(r.Headers, r.Value)
	it.event = event
	s.identify(it)
	switch {
	case it.step == nil:
		return it, refuse, poison("service %q has no step on topic %q", s.service.Name, it.topic)
	case recordSize(r) > most:
		return it, refuse, &Failure{Class: wire.ClassTooLarge,
			Err: fmt.Errorf("the record has %d bytes, an event may have %d", recordSize(r), maxEvent)}
	case err != nil:
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	case !s.concerns(it):
		return it, pass, nil
	}
	if err := wire.CheckSchema(event.DataSchema, it.step.SchemaVersion); err != nil {
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	if it.step.Role == wire.RoleWatch {
		return it, run, nil // it only reads along, wherever the record lies
	}
	if it.step.Role == wire.RoleBegin {
		it.step.asStart(event)
		if event.SagaID == "" {
			return s.adopt(it, topicID)
		}
	}
	if event.SagaID != "" && kafka.PartitionFor([]byte(event.SagaID), s.cfg.Partitions) != r.Partition {
		return it, forward, nil
	}
	return it, run, nil
}

// concerns says whether an event is this service's business: an end topic may be shared by many workflows, and a start
// topic's saga may be another workflow's.
func (s *Session) concerns(it *item) bool {
	switch it.step.Role {
	case wire.RoleEnd:
		return it.event.SagaID != "" && it.event.Workflow == it.step.Workflow
	case wire.RoleBegin:
		return it.event.Workflow == "" || it.event.Workflow == it.step.Workflow
	}
	return true
}

// adopt gives a start of a foreign producer its saga ID. It goes through the inbox, as its key and so its partition are others.
// One that can't be read begins no saga.
func (s *Session) adopt(it *item, topicID [16]byte) (*item, verdict, *Failure) {
	e := it.event
	if err := it.step.Readable(e); err != nil {
		return it, refuse, &Failure{Class: wire.ClassPoison, Err: err}
	}
	cause := e.ID
	if e.ID != "" && e.Source != "" {
		e.SagaID = wire.AdoptedSagaID(it.step.Workflow, e.Source, e.ID)
	} else {
		e.SagaID = wire.AdoptedSagaIDAt(it.step.Workflow, topicID, it.polled.Partition, it.polled.Offset)
	}
	if e.PartitionKey == "" {
		e.PartitionKey = string(it.polled.Key)
	}
	e.ID = wire.EventID(it.id, s.service.Name, it.step.Topic, 0)
	e.CausationID, e.Source, e.Type = cause, s.source, it.step.Topic
	if e.Time.IsZero() {
		e.Time = it.polled.Timestamp
	}
	if e.TraceParent == "" {
		e.TraceParent = wire.TraceParent(e.SagaID, e.ID)
	}
	whole := s.whole(it)
	whole.Headers = append(e.Headers(), wire.Foreign(whole.Headers)...)
	return it, forward, nil
}

// asStart makes an event a start, whatever it says of itself.
func (s *Step) asStart(e *wire.Event) {
	e.Workflow, e.Route, e.Hop = s.Workflow, wire.Route{}, 0
	if e.Subject == "" {
		e.Subject = s.Subject(e)
	}
}

// identify says which execution, ledger entry and lane a record belongs to. UUIDs are trusted to be unique; any other ID
// is unique only beside its source (CloudEvents 1.0, section 3.1), and a record without is known by where it lies.
func (s *Session) identify(it *item) {
	e := it.event
	switch {
	case e.ID != "" && uuid.Validate(e.ID) == nil:
		it.id = e.ID
	case e.ID == "" || e.Source == "":
		it.id = wire.RecordID(it.topic, it.polled.Partition, it.polled.Offset)
	default:
		it.id = wire.ForeignID(e.Source, e.ID)
	}
	it.key = executionKey{it.partition, it.topic, it.id}
	if e.SagaID != "" {
		it.saga = ledger.SagaID(uuid.MustParse(e.SagaID))
		it.lane = e.SagaID
	} else {
		it.lane = "event/" + it.id
	}
	if it.step != nil && it.step.Role == wire.RoleWatch {
		it.lane = "watch/" + it.topic + "/" + it.lane
		it.saga = ledger.SagaID{}
	}
}

// whole gives an item's record. Most are never asked for it.
func (s *Session) whole(it *item) *wire.Record {
	if it.record == nil {
		r := it.polled
		w := &wire.Record{Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}
		w.Topic, _ = s.cfg.Namespace.Name(r.Topic)
		w.Headers = make([]wire.Header, len(r.Headers))
		for i, h := range r.Headers {
			w.Headers[i] = wire.Header{Key: h.Key, Value: h.Value}
		}
		it.record = w
	}
	return it.record
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// recordKey is the key of the item's record.
func (it *item) recordKey() []byte {
	if it.polled != nil {
		return it.polled.Key
	}
	return it.record.Key
}
