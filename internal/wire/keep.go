package wire

import (
	"bytes"
	"slices"
)

// Keep copies a record, and the event that was read from it, into memory of their own. What a client fetched lies side by side: one
// record of a batch that is kept for a day, or a part of one, would keep the whole batch.
func Keep(r *Record, e *Event) (*Record, *Event) {
	room := make([]byte, 0, r.Size())
	keep := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		from := len(room)
		room = append(room, b...)
		return slices.Clip(room[from:])
	}
	record, event := *r, *e
	record.Key, record.Value = keep(r.Key), keep(r.Value)
	if isSame(e.Payload, r.Value) {
		event.Payload = record.Value
	} else {
		event.Payload = bytes.Clone(e.Payload)
	}
	event.Route.text = nil
	record.Headers = make(Headers, len(r.Headers))
	for i, h := range r.Headers {
		record.Headers[i] = Header{h.Key, keep(h.Value)}
		if isSame(e.Route.text, h.Value) {
			event.Route.text = record.Headers[i].Value
		}
	}
	if event.Route.text == nil {
		event.Route.text = bytes.Clone(e.Route.text)
	}
	return &record, &event
}

// isSame says whether two slices are the same bytes in memory.
func isSame(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
