package saga

import (
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// Incoming is a polled record, as far as decisions need it.
type Incoming struct {
	Topic     string // without the namespace prefix
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	TopicID   [16]byte
	Size      int    // bytes
	Origin    string // header wire.HeaderOrigin
	Command   string // header wire.HeaderCommand

	Event *wire.Event // what wire.Parse could read
	Err   error       // what it couldn't

	Source any // the driver's own
}

// Item is a record on its way through a batch: which step takes it, for which saga, in which lane.
type Item struct {
	Source    any // of the Incoming, or what Revive was given
	Event     *wire.Event
	Topic     string // of the step: the record's, or, in the inbox, the one that it was forwarded from
	Step      *Step  // nil when the service has none on that topic
	Undo      *Undo  // nil for an event on its way forward
	Partition int32
	Saga      ledger.SagaID
	Key       Key
	ID        string // of the ledger entry: the event
	Lane      string
	Accepted  time.Time

	Entry *ledger.Entry // if it came from the ledger, or was parked

	owned bool // nothing of it lies in a batch that a client fetched
}

// Key names an execution: step and event. It has the partition in it: the same event, sent twice to two partitions, is two records to
// account for.
type Key struct {
	Partition int32
	Topic, ID string
}

// Undo is what there is to undo: the stop at the top of the slip of a token that has turned round.
type Undo struct {
	Turn    wire.Turn
	Stop    wire.Stop
	Rest    wire.Route // the slip below
	Problem string     // why it can't be done, if so
}

// identify says which execution, ledger entry and lane a record belongs to. UUIDs are trusted to be unique; any other ID
// is unique only beside its source (CloudEvents 1.0, section 3.1), and a record without is known by where it lies.
func (it *Item) identify(topic string, in *Incoming) {
	e := it.Event
	switch {
	case e.ID != "" && uuid.Validate(e.ID) == nil:
		it.ID = e.ID
	case e.ID == "" || e.Source == "":
		it.ID = wire.RecordID(topic, in.Partition, in.Offset)
	default:
		it.ID = wire.ForeignID(e.Source, e.ID)
	}
	it.Key = Key{it.Partition, topic, it.ID}
	it.stand()
}

// stand says in which lane an item stands.
func (it *Item) stand() {
	it.Saga = ledger.SagaID{}
	if it.Event.SagaID != "" {
		it.Saga = ledger.SagaID(uuid.MustParse(it.Event.SagaID))
		it.Lane = it.Event.SagaID
	} else {
		it.Lane = "event/" + it.ID
	}
	if it.Step != nil && it.Step.Role == wire.RoleWatch && it.Undo == nil {
		it.Lane = "watch/" + it.Topic + "/" + it.Lane
		it.Saga = ledger.SagaID{}
	}
}

// own gives an item that lies in the ledger memory of its own. Its handler may still run, with the event as it was.
func (m *Machine) own(it *Item) {
	if it.owned || it.Entry == nil || it.Entry.Data != any(it) {
		return
	}
	it.Source, it.Event = wire.Keep(m.Whole(it), it.Event)
	if u := it.Undo; u != nil && u.Stop.Service != "" { // else the slip wasn't read
		kept := *u
		kept.Stop, kept.Rest, _ = it.Event.Route.Pop()
		it.Undo = &kept
	}
	it.owned = true
}

// inSaga says whether the item is a saga's token.
func (it *Item) inSaga() bool { return it.Saga != (ledger.SagaID{}) }

// EffectOf is what the handler's effect belongs to: the saga, or else the event, which may have no ID of its own, or one that is unique
// only beside its source.
func (it *Item) EffectOf() string {
	if it.Event.SagaID != "" {
		return it.Event.SagaID
	}
	return it.ID
}

// stop is what the slip says of a step.
func (m *Machine) stop(it *Item, out []byte) wire.Stop {
	s := wire.Stop{Service: m.Service, Topic: it.Step.Topic, Effect: it.EffectOf()}
	if it.Step.Compensable {
		s.In, s.Out = it.Event.Payload, out
	}
	return s
}
