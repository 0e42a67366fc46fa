package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What is kept says the same, and shares no byte with what it was read from.
func TestKeepCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		route, err := NewRoute(Stop{Service: "s", Topic: "t", In: rapid.SliceOf(rapid.Byte()).Draw(t, "in")})
		if err != nil {
			t.Fatal(err)
		}
		written := &Event{ID: "1", Source: "/s", SagaID: "0198a1b2-0000-7000-8000-000000000001", Workflow: "w", Hop: 1, Route: route}
		batch := []byte("before") // as a fetched batch has it: everything side by side
		part := func(b []byte) []byte {
			from := len(batch)
			batch = append(batch, b...)
			return batch[from:len(batch):len(batch)]
		}
		batch = append(make([]byte, 0, 64<<10), batch...)
		r := &Record{Topic: "t", Offset: 7, Key: part([]byte(written.SagaID)), Value: part(rapid.SliceOf(rapid.Byte()).Draw(t, "payload"))}
		for _, h := range written.Headers() {
			r.Headers = append(r.Headers, Header{h.Key, part(h.Value)})
		}
		r.Headers = append(r.Headers, Header{"foreign", nil})
		e, err := Parse(r.Headers, r.Value)
		if err != nil {
			t.Fatal(err)
		}
		switch rapid.IntRange(0, 2).Draw(t, "changed") { // since it was read
		case 1:
			e.Route = Route{} // by the step that begins a saga
		case 2:
			e.Payload = part([]byte("another"))
		}
		clones := func() (Record, Event) {
			kept, event := *r, *e
			kept.Key, kept.Value, kept.Headers = clone(r.Key), clone(r.Value), nil
			for _, h := range r.Headers {
				kept.Headers = append(kept.Headers, Header{h.Key, clone(h.Value)})
			}
			event.Payload, event.Route.text = clone(e.Payload), clone(e.Route.text)
			return kept, event
		}
		wantRecord, wantEvent := clones()
		record, event := Keep(r, e)
		for i := range batch {
			batch[i] = 0xff
		}
		compare := cmp.AllowUnexported(Event{}, Route{})
		if diff := cmp.Diff(wantRecord, *record, compare) + cmp.Diff(wantEvent, *event, compare); diff != "" {
			t.Errorf("kept otherwise (-want +got):\n%s", diff)
		}
	})
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
