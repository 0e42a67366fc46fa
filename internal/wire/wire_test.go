package wire

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// A header's text is any but the empty one: an attribute that isn't set is left out.
var (
	text    = rapid.StringN(0, 40, 200)
	payload = rapid.SliceOfN(rapid.Byte(), 0, 100)
	moments = rapid.Map(rapid.Int64Range(0, 1<<61), func(n int64) time.Time {
		if n%7 == 0 {
			return time.Time{}
		}
		return time.Unix(0, n).UTC()
	})
	sagaIDs = rapid.Map(text, func(s string) string { return SagaIDFor("w", s) })
	stops   = rapid.Custom(func(t *rapid.T) Stop {
		return Stop{
			Service: text.Filter(notEmpty).Draw(t, "service"), Topic: text.Filter(notEmpty).Draw(t, "topic"), Effect: text.Draw(t, "effect"),
			In: payload.Draw(t, "in"), Out: payload.Draw(t, "out"),
		}
	})
	records = rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Topic: text.Draw(t, "topic"), Partition: rapid.Int32Range(0, 1000).Draw(t, "partition"), Offset: rapid.Int64Range(0, 1<<60).Draw(t, "offset"),
			Time: moments.Draw(t, "time"), Key: payload.Draw(t, "key"), Value: payload.Draw(t, "value"),
			Headers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Header { return Header{text.Draw(t, "name"), payload.Draw(t, "value")} }), 0, 5).Draw(t, "headers"),
		}
	})
)

func notEmpty(s string) bool { return s != "" }

func TestEventRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &Event{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Type: text.Draw(t, "type"), Time: moments.Draw(t, "time"),
			Subject: text.Draw(t, "subject"), DataSchema: text.Draw(t, "schema"), ContentType: text.Draw(t, "content type"),
			Workflow: text.Draw(t, "workflow"), CausationID: text.Draw(t, "causation"), PartitionKey: text.Draw(t, "key"),
			ParentSaga: text.Draw(t, "parent"), TraceParent: text.Draw(t, "trace"), LastError: text.Draw(t, "error"),
			Payload: payload.Draw(t, "payload"),
		}
		if e.Accepted = moments.Draw(t, "accepted"); !e.Accepted.IsZero() { // some work's output
			e.Attempt = rapid.IntRange(1, 1000).Draw(t, "attempt")
			if e.Started = moments.Draw(t, "started"); e.Started.IsZero() {
				e.Started = e.Accepted
			}
		}
		if rapid.Bool().Draw(t, "of a saga") {
			e.SagaID, e.Hop = sagaIDs.Draw(t, "saga"), rapid.IntRange(0, MaxHop).Draw(t, "hop")
			var err error
			if e.Route, err = NewRoute(rapid.SliceOfN(stops, 0, 4).Draw(t, "route")...); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Parse(e.Headers(), e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(Route{})); diff != "" {
			t.Fatalf("(-written +read):\n%s", diff)
		}
	})
}

func TestRecordsOfSkaldsOwnRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := records.Draw(t, "event")
		l := LedgerRecord{
			Op: rapid.SampledFrom([]string{OpPut, OpDelete, OpNote}).Draw(t, "op"), Kind: rapid.SampledFrom([]string{"", KindOpen, KindWork, KindHalted, KindBlocked, KindCheckpoint}).Draw(t, "kind"),
			ID: text.Draw(t, "id"), Saga: text.Draw(t, "saga"), Workflow: text.Draw(t, "workflow"), Step: text.Draw(t, "step"),
			Accepted: moments.Draw(t, "accepted"), Started: moments.Draw(t, "started"), Due: moments.Draw(t, "due"),
			Attempt: rapid.Int().Draw(t, "attempt"), Error: text.Draw(t, "error"), Order: rapid.Int64().Draw(t, "order"),
			State: text.Draw(t, "state"), Undo: rapid.Bool().Draw(t, "undo"), Letter: text.Draw(t, "letter"), Unread: rapid.Bool().Draw(t, "unread"), Redrives: rapid.Int().Draw(t, "redrives"),
			Outcome: text.Draw(t, "outcome"), Told: rapid.Bool().Draw(t, "told"), Answer: text.Draw(t, "answer"),
			Lane: text.Draw(t, "lane"), Reason: text.Draw(t, "reason"), Event: &event,
			Offsets: rapid.MapOf(text, rapid.Int64()).Draw(t, "offsets"),
		}
		gotLedger, err := DecodeLedgerRecord(l.Encode())
		l.Version = 1
		if l.Undo || l.Outcome != "" || l.Kind == KindBlocked { // what version 1 would misread
			l.Version = 2
		}
		same(t, l, gotLedger, err)
		l.Event, l.Offsets = nil, nil
		if want, err := json.Marshal(l); err != nil || string(want) != string(l.Encode()) {
			t.Fatalf("written by hand:\n%s\nby encoding/json:\n%s (%v)", l.Encode(), want, err)
		}

		o := Outcome{Outcome: Completed, Reason: text.Draw(t, "reason"), Started: moments.Draw(t, "started"), Ended: moments.Draw(t, "ended"), Undone: rapid.SliceOf(text).Draw(t, "undone")}
		gotOutcome, err := DecodeOutcome(o.Encode())
		o.Version = outcomeVersion
		same(t, o, gotOutcome, err)
		if want, err := json.Marshal(o); err != nil || string(want) != string(o.Encode()) {
			t.Fatalf("written by hand:\n%s\nby encoding/json:\n%s (%v)", o.Encode(), want, err)
		}

		a := Announcement{Service: text.Draw(t, "service"), Instance: text.Draw(t, "instance"), Time: moments.Draw(t, "time"), Stopped: rapid.Bool().Draw(t, "stopped"),
			Vitals: Vitals{
				Program: text.Draw(t, "program"), Draining: rapid.Bool().Draw(t, "draining"), InHand: rapid.Int64().Draw(t, "inHand"), Handled: rapid.Int64().Draw(t, "handled"),
				Partitions: rapid.SampledFrom([][]int32{nil, {0}, {3, 11}}).Draw(t, "partitions"),
			},
			Steps: []Step{{Topic: text.Draw(t, "topic"), Role: RoleStep, Next: []string{text.Draw(t, "next")}, NextFor: []Successor{{"w", "t"}}}}}
		gotAnnouncement, err := DecodeAnnouncement(a.Encode())
		a.Version = announcementVersion
		same(t, a, gotAnnouncement, err)
	})
}

func same[T any](t *rapid.T, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-written +read):\n%s", diff)
	}
}

// A slip gives back what was pushed, whatever bytes that is; a stop that is popped leaves the others as they were.
func TestRouteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(stops, 1, 5).Draw(t, "stops")
		for i := range want[1:] {
			if rapid.Bool().Draw(t, "chained") { // the step before has made what this one takes
				want[i+1].In, want[i+1].Effect = want[i].Out, want[i].Effect
			}
		}
		written, err := NewRoute(want...)
		if err != nil {
			t.Fatal(err)
		}
		read, err := parseRoute(written.text)
		if err != nil {
			t.Fatalf("%s: %v", written.text, err)
		}
		if !utf8.Valid(written.text) {
			t.Fatalf("%q is no UTF-8, as a header has to be", written.text)
		}
		for n := len(want); n > 0; n-- {
			if read.Len() != n {
				t.Fatalf("Len %d, want %d", read.Len(), n)
			}
			same(t, want[:n], read.Stops(), nil)
			top, rest, ok := read.Pop()
			if !ok {
				t.Fatal("nothing to pop")
			}
			same(t, want[n-1], top, nil)
			if len(top.Out) == 0 && top.Out != nil {
				t.Fatal("a step that never finished has an output, if an empty one")
			}
			read = rest
		}
		if _, _, ok := read.Pop(); ok || !read.IsEmpty() {
			t.Fatal("an empty slip has a stop")
		}
	})
}

// A chain's slip says each payload once, as it is: slips travel with every event.
func TestSlipIsShort(t *testing.T) {
	user, device, grants := []byte(`{"user":"ada"}`), []byte(`{"user":"ada","device":"laptop"}`), []byte(`{"user":"ada","device":"laptop","grants":["vpn"]}`)
	r, err := NewRoute(
		Stop{Service: "provisioner", Topic: "new-user", Effect: "saga", In: user, Out: device},
		Stop{Service: "authorizer", Topic: "authorize", Effect: "saga", In: device, Out: grants})
	if err != nil {
		t.Fatal(err)
	}
	want := `1;11:provisioner,8:new-user,4:saga,14:{"user":"ada"},32:{"user":"ada","device":"laptop"},` +
		`10:authorizer,9:authorize,^^49:{"user":"ada","device":"laptop","grants":["vpn"]},`
	if string(r.text) != want {
		t.Errorf("%s\nwant\n%s", r.text, want)
	}
}

// What the look at a slip lets in can be decoded, and written again.
func FuzzRoute(f *testing.F) {
	r, _ := NewRoute(Stop{Service: "s", Topic: "t", Effect: "e", In: []byte("in"), Out: []byte("out")}, Stop{Service: "s", Topic: "t", In: []byte("out"), Out: []byte{0xff}})
	f.Add(r.text)
	for _, text := range []string{"", "1", "1;", "1;1:s,1:t,^0:,0:,", "1;1:s,1:t,0:,^0:,", "1;1:s,1:t,0:,0:,~4:====,", "1;99999:s,", "1;1:s", "1;0:,1:t,0:,0:,0:,", "1;-1:s,"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRoute(text)
		if err != nil {
			return
		}
		stops := r.Stops()
		if len(stops) != r.Len() {
			t.Fatalf("%q: Len %d, %d stops", text, r.Len(), len(stops))
		}
		for _, stop := range stops {
			if stop.Service == "" || stop.Topic == "" {
				t.Fatalf("%q", text)
			}
		}
		again, err := NewRoute(stops...)
		if err != nil && !errors.Is(err, ErrRouteTooLong) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(stops, again.Stops(), cmpopts.EquateEmpty()); err == nil && diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

// A letter gives back the record that it holds, unless the record's own headers claim to be a letter's.
func TestLetterRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := records.Draw(t, "record")
		l := &Letter{
			Service: text.Draw(t, "service"), Step: text.Draw(t, "step"), Record: r, Attempts: rapid.IntRange(0, 99).Draw(t, "attempts"),
			Class: ClassFailed, Error: text.Draw(t, "error"), Stack: text.Draw(t, "stack"), Time: time.Unix(0, 7).UTC(),
			Halted: rapid.Bool().Draw(t, "halted"), Bound: 1 << 20,
		}
		got, err := ParseLetter(&Record{Key: r.Key, Headers: l.Headers(), Value: l.Value()})
		if err != nil {
			t.Fatal(err)
		}
		got.Record.Headers = slices.DeleteFunc(got.Record.Headers, func(h Header) bool { return strings.HasPrefix(h.Key, "kafka_dlt-") })
		l.Bound, l.Record.Time = 0, time.Time{}
		if diff := cmp.Diff(l, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-written +read):\n%s", diff)
		}
	})
}

func TestLargeLetterIsCut(t *testing.T) {
	value := make([]byte, 100<<10)
	l := &Letter{Record: Record{Value: value, Headers: []Header{
		{HeaderSagaID, []byte("saga")}, {"huge", make([]byte, 2<<10)}, {HeaderRoute, make([]byte, 60<<10)},
	}}, Error: strings.Repeat("e", 20<<10), Stack: strings.Repeat("s", 20<<10), Bound: 90 << 10}
	if got := len(l.Value()); got != CutBytes {
		t.Errorf("%d bytes of the value are kept, want %d", got, CutBytes)
	}
	size := 0
	kept := map[string]string{}
	for _, h := range l.Headers() {
		size += len(h.Key) + len(h.Value)
		kept[h.Key] = string(h.Value)
	}
	if kept[HeaderSagaID] != "saga" || kept["huge"] != "" || kept[LetterCut] == "" || len(kept[LetterHash]) != 64 {
		t.Errorf("headers: %v", kept)
	}
	if size > 48<<10 {
		t.Errorf("the headers have %d bytes", size)
	}
	l.Bound = 1 << 20
	if got := len(l.Value()); got != len(value) {
		t.Errorf("below the bound %d bytes are kept, want all %d", got, len(value))
	}
}

func TestRecordsOfTheFutureAreRefused(t *testing.T) {
	future := []byte(`{"v":99}`)
	_, ledger := DecodeLedgerRecord(future)
	_, outcome := DecodeOutcome(future)
	_, announcement := DecodeAnnouncement(future)
	for name, err := range map[string]error{"ledger record": ledger, "outcome": outcome, "announcement": announcement} {
		if err == nil || !strings.Contains(err.Error(), "newer") || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("%s: got %v; it must say that the record is newer and what to do", name, err)
		}
	}
}

// An instance of a Skald that announced less, and one of a Skald that will announce more, are both heard.
func TestAnnouncementsOfOlderAndNewerInstancesAreHeard(t *testing.T) {
	for _, value := range []string{
		`{"v":1,"service":"s","instance":"i","steps":[]}`,
		`{"v":1,"service":"s","instance":"i","steps":[],"partitions":[2],"mood":"good"}`,
	} {
		a, err := DecodeAnnouncement([]byte(value))
		if err != nil || a.Service != "s" || a.Handled != 0 || len(a.Partitions) > 0 && a.Partitions[0] != 2 {
			t.Errorf("%s: %+v, error %v", value, a, err)
		}
	}
}
