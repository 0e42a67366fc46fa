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

// CommandType is the type of an [Event] that is a command to a service, such as a redrive. Its payload is the wire.Command.
const CommandType = "skald.command"

// Events gives every record of a saga, in the order of hops and then of time: its events, copies of them in inboxes, dead
// letters, the outcome, notes on events that were ignored, and open-loop events that its steps emitted. An unknown saga
// is [ErrNotFound].
func (t *Tracker) Events(ctx context.Context, id string) ([]Event, error) {
	row, err := t.row(ctx, id)
	if err != nil {
		return nil, err
	}
	records, err := t.cfg.Store.Records(ctx, []*store.Saga{row}, 0)
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
	return events, nil
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
		ContentType: parsed.ContentType, Payload: r.Value,
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
			e.ContentType, e.Payload = "application/json", []byte(record.Header(wire.HeaderCommand))
		}
	case sourceLedger:
		note, _ := wire.DecodeLedgerRecord(r.Value)
		e.ID, e.Type, e.Source, e.Hop = note.ID, NoteType, wire.Source(src.service), unknownHop
		e.ContentType, e.Payload = "application/json", r.Value
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
