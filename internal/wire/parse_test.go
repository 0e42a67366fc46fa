package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FuzzParse: whatever headers say, what can be read of them is given back and nothing panics.
func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{HeaderHop, "-1"}, {HeaderHop, "99999999999999999999"}, {HeaderSagaID, "no uuid"}, {HeaderRoute, "{"}, {HeaderRoute, "null"},
		{HeaderRoute, "1;"}, {HeaderRoute, "2;"}, {HeaderRoute, "1;1:a,1:b,^^0:,"}, {HeaderTime, "yesterday"}, {HeaderAttempt, "1e3"}, {HeaderSpecVersion, "0.3"}, {"", ""},
		{HeaderTime, "0000-01-01T00:00:00Z"}, {HeaderTime, "9999-12-31T23:59:59.999999999+14:00"}, {HeaderRoute, strings.Repeat("[", 1000)},
	} {
		f.Add(seed[0], []byte(seed[1]), SagaIDFor("w", "x"), []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, key string, value []byte, saga string, payload []byte) {
		e, err := Parse([]Header{{HeaderSagaID, []byte(saga)}, {key, value}}, payload)
		if e == nil {
			t.Fatal("no event")
		}
		if !bytes.Equal(e.Payload, payload) || e.Hop < 0 || e.Hop > MaxHop || len(e.Route.Stops()) > MaxRouteStops {
			t.Fatalf("%+v", e)
		}
		if err != nil && len(err.Error()) > 4<<10 {
			t.Fatalf("the error has %d bytes", len(err.Error()))
		}
		if err == nil { // what was read can be written and read again
			if _, err := Parse(e.Headers(), payload); err != nil {
				t.Fatalf("headers of a good event: %v", err)
			}
		}
		l := &Letter{Record: Record{Headers: []Header{{key, value}}, Value: payload}}
		_, _ = ParseLetter(&Record{Headers: append(l.Headers(), Header{key, value}), Value: l.Value()}) // an error is fine, a panic isn't
		_, _ = DecodeLedgerRecord(payload)
		_ = CheckSchema(string(value), 1)
	})
}

func TestParseNamesEachHeaderThatLies(t *testing.T) {
	e, err := Parse([]Header{
		{HeaderHop, []byte("-1")}, {HeaderTime, []byte("x")}, {HeaderSagaID, []byte("x")}, {HeaderID, []byte("kept")}, {HeaderRoute, []byte("{")},
	}, []byte("payload"))
	for _, key := range []string{HeaderHop, HeaderTime, HeaderSagaID, HeaderRoute} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v doesn't name %s", err, key)
		}
	}
	if e.ID != "kept" || string(e.Payload) != "payload" || e.SagaID != "" || e.Hop != 0 {
		t.Errorf("%+v", e)
	}
}

func TestRoutingSlipIsBounded(t *testing.T) {
	stop := Stop{Service: "s", Topic: "t", Effect: "e"}
	var r Route
	var err error
	for range MaxRouteStops {
		if r, err = r.Push(stop); err != nil {
			t.Fatalf("after %d stops: %v", len(r.Stops()), err)
		}
	}
	if got, err := r.Push(stop); !errors.Is(err, ErrRouteTooLong) || len(got.Stops()) != MaxRouteStops {
		t.Errorf("stop %d: %d stops, %v", MaxRouteStops+1, len(got.Stops()), err)
	}
	for what, in := range map[string][]byte{"text": bytes.Repeat([]byte("x"), 64<<10), "no text": bytes.Repeat([]byte{0xff}, 48<<10)} {
		stop.In = in // with its frame it is a little too much
		if _, err := (Route{}).Push(stop); !errors.Is(err, ErrRouteTooLong) {
			t.Errorf("a stop of %s: %v", what, err)
		}
		stop.In = in[:len(in)-100]
		one, err := (Route{}).Push(stop)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := Parse([]Header{{HeaderSagaID, []byte(SagaIDFor("w", "x"))}, {HeaderRoute, one.text}}, nil); err != nil || len(e.Route.Stops()) != 1 {
			t.Errorf("a slip of %s that Push allows is refused: %v", what, err)
		}
	}
	if _, err := parseRoute([]byte(slipHead + strings.Repeat("1:s,1:t,0:,0:,0:,", MaxRouteStops+1))); err == nil {
		t.Error("too many stops are read")
	}
}

// Concurrent sagas come from one step: a push must not write into the slip that it was made of.
func TestPushLeavesTheSlipAlone(t *testing.T) {
	base, _ := Route{}.Push(Stop{Service: "a", Topic: "t"})
	base, _ = base.Push(Stop{Service: "b", Topic: "t"})
	one, _ := base.Push(Stop{Service: "one", Topic: "t"})
	two, _ := base.Push(Stop{Service: "two", Topic: "t"})
	if one.Stops()[2].Service != "one" || two.Stops()[2].Service != "two" || len(base.Stops()) != 2 {
		t.Errorf("%v, %v, %v", base, one, two)
	}
}

func TestSchemaVersions(t *testing.T) {
	for uri, ok := range map[string]bool{
		"": true, "https://example.com/schema/9": true, SchemaURI("t", 1): true, SchemaURI("t", 2): true, SchemaURI("t", 3): false,
		SchemaURI("a:b", 2): true, "urn:skald:schema:": false, "urn:skald:schema:t": false, "urn:skald:schema:t:": false,
		"urn:skald:schema:t:0": false, "urn:skald:schema:t:-1": false, "urn:skald:schema:t:x": false, "urn:skald:schema:t:99999999999999999999": false,
	} {
		if err := CheckSchema(uri, 2); (err == nil) != ok {
			t.Errorf("%q: %v", uri, err)
		}
	}
	if err := CheckSchema(SchemaURI("t", 3), 2); err == nil || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("%v doesn't say what to do", err)
	}
}

func TestForeignHeaders(t *testing.T) {
	e := &Event{ID: "x", Source: "s", SagaID: SagaIDFor("w", "x"), Route: Route{[]byte("1;1:s,1:t,0:,0:,0:,"), 1}, Attempt: 1, TraceParent: "t", Workflow: "w"}
	if got := Foreign(append(e.Headers(), Header{"tenant", nil})); len(got) != 1 || got[0].Key != "tenant" {
		t.Errorf("%v", got)
	}
}
