package saga

import (
	"context"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// inline is up to which size payloads are shown; longer ones can be downloaded.
const inline = 64 << 10

// story is all that the page tells of: a saga as of one change, and what services declare.
type story struct {
	saga     tracker.Saga
	events   []tracker.Event
	declared []tracker.Declaration
}

// read asks the tracker. What is known already of the same change isn't asked for again, as records are many.
func (h *handler) read(ctx context.Context, id string, known *story) (*story, error) {
	page, err := h.b.Tracker.Sagas(ctx, tracker.Query{Search: id, Limit: 1, WithoutPayloads: true})
	if err == nil && len(page.Sagas) == 0 {
		err = tracker.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	s := &story{saga: page.Sagas[0]}
	if s.declared, err = h.b.Tracker.Declared(ctx); err != nil {
		return nil, err
	}
	if known != nil && known.saga.Seq == s.saga.Seq {
		s.events = known.events
		return s, nil
	}
	s.events, err = h.b.Tracker.EventsUpTo(ctx, id, inline)
	return s, err
}

// note is what a ledger says in an event, if it is one of a ledger.
func note(e *tracker.Event) (l wire.LedgerRecord, ok bool) {
	if e.Type != tracker.AttemptType && e.Type != tracker.NoteType {
		return l, false
	}
	l, err := wire.DecodeLedgerRecord(e.Payload)
	return l, err == nil
}

// command is what an event asks for: its payload, or, if it brings an event along, a header.
func command(e *tracker.Event) (wire.Command, error) {
	if text := header(e, wire.HeaderCommand); text != "" {
		return wire.DecodeCommand([]byte(text))
	}
	return wire.DecodeCommand(e.Payload)
}

// header gives the first header of that name.
func header(e *tracker.Event, name string) string {
	for _, h := range e.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// slip is the undo slip of the latest event that has one: the steps to be undone, the latest last. known is false if no event is there.
func (s *story) slip() (stops []wire.Stop, known bool) {
	latest := -1
	for i := range s.events {
		e := &s.events[i]
		if plain(e) && (latest < 0 || e.Hop >= s.events[latest].Hop) {
			latest = i
		}
	}
	if latest < 0 {
		return nil, false
	}
	e := &s.events[latest]
	headers := make([]wire.Header, 0, len(e.Headers))
	for _, h := range e.Headers {
		headers = append(headers, wire.Header{Key: h[0], Value: []byte(h[1])})
	}
	parsed, err := wire.Parse(headers, nil)
	return parsed.Route.Stops(), err == nil
}

// plain says whether an event is a token of the saga, as opposed to what was said of it.
func plain(e *tracker.Event) bool {
	switch e.Type {
	case tracker.AttemptType, tracker.NoteType, tracker.CommandType, wire.OutcomeType:
		return false
	}
	return header(e, wire.LetterService) == "" && header(e, wire.HeaderParentSaga) == ""
}
