package tracker

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// NoteType is the type of an [Event] that stands for a note in a ledger: a service ignored an event. Its payload is the
// wire.LedgerRecord with the reason.
const NoteType = "skald.note"

// CommandType is the type of an [Event] that is a command to a service, such as a redrive. Its payload is the wire.Command; of a
// redrive with another payload it is that payload, and the wire.Command is in the header skald-command.
const CommandType = "skald.command"

// AttemptType is the type of an [Event] that stands for an attempt that failed, as a ledger tells of it: the next one is due, or a person
// is asked. Its time is when the failure was committed. Its payload is the wire.LedgerRecord, without the event.
const AttemptType = "skald.attempt"

// Events gives every record of a saga, in the order of hops and then of time: its events, copies of them in inboxes, dead
// letters, the outcome, attempts that failed, commands and their answers, notes on events that were ignored, and open-loop events that
// its steps emitted. An unknown saga is [ErrNotFound].
func (t *Tracker) Events(ctx context.Context, id string) ([]Event, error) {
	return t.EventsUpTo(ctx, id, 0)
}

// EventsUpTo is [Tracker.Events] with payloads of more than most bytes left out; 0 leaves out none. Notes, commands and
// attempts need theirs to be told: with 8 KiB or more they have it.
func (t *Tracker) EventsUpTo(ctx context.Context, id string, most int) ([]Event, error) {
	row, err := t.row(ctx, id)
	if err != nil {
		return nil, err
	}
	records, err := t.cfg.Store.Records(ctx, []*store.Saga{row}, most)
	if err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(records[row.ID]))
	for _, r := range records[row.ID] {
		events = append(events, eventOf(r))
	}
	placeNotes(events)
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Hop, b.Hop), a.Time.Compare(b.Time), strings.Compare(a.Topic, b.Topic),
			cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return withoutRewritten(events), nil
}

// Event gives one record of a saga, whole, by where it lies. It is [ErrNoEvent] if the saga has none there, and [ErrNotFound] if the
// saga is unknown. Its hop is not worked out for what has none of its own.
func (t *Tracker) Event(ctx context.Context, id, topic string, partition int32, offset int64) (Event, error) {
	row, err := t.row(ctx, id)
	if err != nil {
		return Event{}, err
	}
	record, ok, err := t.cfg.Store.RecordAt(ctx, row, topic, partition, offset)
	if err == nil && !ok {
		err = ErrNoEvent
	}
	if err != nil {
		return Event{}, err
	}
	return eventOf(record), nil
}

// withoutRewritten drops what a ledger says again when it writes an old entry anew, at its head.
func withoutRewritten(events []Event) []Event {
	said := map[string]bool{}
	return slices.DeleteFunc(events, func(e Event) bool {
		if e.Type != AttemptType || e.Payload == nil {
			return false
		}
		key := e.Topic + "\x00" + string(e.Payload)
		again := said[key]
		said[key] = true
		return again
	})
}

func eventOf(r store.Record) Event {
	src := sourceOf("", r.Topic.Name)
	headers := decodeHeaders(r.Headers)
	record := wire.Record{
		Topic: r.Topic.Name, Partition: r.Partition, Offset: r.Offset, Time: at(r.Time), Headers: headers, Value: r.Value,
	}
	parsed, _ := parseEvent(&record) // what can't be read of it is in its headers
	e := Event{
		Topic: r.Topic.Name, Partition: r.Partition, Offset: r.Offset, ID: parsed.ID, Source: parsed.Source, Type: parsed.Type,
		Time: at(eventTime(parsed, &record)), Hop: parsed.Hop, CausationID: parsed.CausationID,
		ContentType: parsed.ContentType, Payload: r.Value, Size: r.Size,
	}
	for _, h := range headers {
		e.Headers = append(e.Headers, [2]string{h.Key, string(h.Value)})
	}
	switch src.kind {
	case sourceLetters:
		e.Time = at(r.Time) // when it was given up on, not when it was sent
	case sourceInbox:
		if c, err := wire.DecodeCommand([]byte(record.Header(wire.HeaderCommand))); err == nil {
			e.ID, e.Type, e.Source, e.Time, e.Hop = c.ID, CommandType, c.By, at(nanos(c.Time)), unknownHop
			if !c.Edited {
				e.ContentType, e.Payload = "application/json", []byte(record.Header(wire.HeaderCommand))
				e.Size = len(e.Payload)
			}
		}
	case sourceLedger:
		note, _ := wire.DecodeLedgerRecord(r.Value)
		e.ID, e.Type, e.Source, e.Hop = note.ID, NoteType, wire.Source(src.service), unknownHop
		e.ContentType, e.Payload = "application/json", r.Value
		if note.Op != wire.OpNote {
			e.Type = AttemptType
		}
	}
	return e
}

const unknownHop = -1

// placeNotes gives notes the hop of the event that they are about. What is about no event, as commands and their answers are, or about
// one that is gone, comes where the saga was by then.
func placeNotes(events []Event) {
	hops := map[string]int{}
	for _, e := range events {
		if e.Hop != unknownHop {
			hops[e.ID] = e.Hop
		}
	}
	for i := range events {
		e := &events[i]
		if e.Hop != unknownHop {
			continue
		}
		hop, found := hops[e.ID]
		if !found {
			for _, other := range events {
				if h, ok := hops[other.ID]; ok && !other.Time.After(e.Time) {
					hop = max(hop, h)
				}
			}
		}
		e.Hop = hop
	}
}
