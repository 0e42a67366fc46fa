package mask_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func rules(t testing.TB, patterns ...string) *mask.Rules {
	t.Helper()
	r, err := mask.Parse(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFieldsAreHiddenAndNothingElseIsTouched(t *testing.T) {
	r := rules(t, "notify.email", " *.password ", "team-a.pay.iban", "secret.*")
	for _, test := range []struct{ topic, payload, want string }{
		{"notify", `{"email":"a@b","n":9007199254740993, "f":1.10}`, `{"email":"•••","n":9007199254740993, "f":1.10}`},
		{"notify", `{ "user" : {"EMail" : [1,{"x":2}] , "name":"A"} }`, `{ "user" : {"EMail" : "•••" , "name":"A"} }`},
		{"notify", `[{"email":null},{"email":""},"email"]`, `[{"email":"•••"},{"email":"•••"},"email"]`},
		{"notify", `{"email":1,"email":2}`, `{"email":"•••","email":"•••"}`},
		{"notify", `{"\u0065mail":1}`, `{"\u0065mail":"•••"}`},
		{"notify", `{"e":{},"a":[],"s":"email"}`, `{"e":{},"a":[],"s":"email"}`},
		{"notify", `"email"`, `"email"`},
		{"notify", `no JSON`, `"•••"`},
		{"notify", `{"email":"a@b"`, `"•••"`},
		{"notify", `{"email":1} {"email":2}`, `"•••"`},
		{"notify", "", ""},
		{"notify", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), `"•••"`},
		{"authorize", `{"email":"a@b","password":"x"}`, `{"email":"a@b","password":"•••"}`},
		{"team-a.pay", `{"iban":"x","email":1}`, `{"iban":"•••","email":1}`},
		{"secret", `{"a":1}`, `"•••"`},
	} {
		if got := string(r.Payload(test.topic, []byte(test.payload))); got != test.want {
			t.Errorf("%s %.60s: %.100s, want %s", test.topic, test.payload, got, test.want)
		}
	}
	var none *mask.Rules
	if got := string(none.Payload("notify", []byte("no JSON"))); got != "no JSON" {
		t.Error(got)
	}
	if got := string(rules(t, "*").Payload("any", []byte("1"))); got != `"•••"` {
		t.Error(got)
	}
	for _, pattern := range []string{"email", ".email", "notify.", "."} {
		if _, err := mask.Parse([]string{pattern}); err == nil || !strings.Contains(err.Error(), "isn't topic.field") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	if r, err := mask.Parse([]string{""}); r != nil || err != nil {
		t.Errorf("%v %v", r, err)
	}
}

// Whatever the JSON is: no value of a masked field is left, and without one it is the same bytes.
func TestNoMaskedValueIsLeft(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := rapid.OneOf(rapid.Just[any]("S3CRET"), rapid.Int64().AsAny(), rapid.String().AsAny(), rapid.Bool().AsAny())
		if depth == 0 {
			return leaf
		}
		name := rapid.SampledFrom([]string{"email", "Email", "name", "e", ""})
		return rapid.OneOf(leaf, rapid.SliceOfN(value(depth-1), 0, 3).AsAny(), rapid.MapOfN(name, value(depth-1), 0, 4).AsAny())
	}
	var strip func(v any) any
	strip = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for name, in := range v {
				if v[name] = strip(in); strings.EqualFold(name, "email") {
					v[name] = mask.Hidden
				}
			}
		case []any:
			for i := range v {
				v[i] = strip(v[i])
			}
		}
		return v
	}
	decode := func(t *rapid.T, b []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		return v
	}
	r := rules(t, "*.email")
	rapid.Check(t, func(t *rapid.T) {
		payload, err := json.MarshalIndent(value(4).Draw(t, "payload"), "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		got := r.Payload("any", payload)
		if diff := cmp.Diff(strip(decode(t, payload)), decode(t, got)); diff != "" {
			t.Fatalf("%s\n%s\n%s", payload, got, diff)
		}
		if !bytes.Contains(bytes.ToLower(payload), []byte(`"email":`)) && !bytes.Equal(payload, got) {
			t.Fatalf("%s became %s", payload, got)
		}
	})
}

func slipOf(t *testing.T, headers [][2]string) []wire.Stop {
	t.Helper()
	var all []wire.Header
	for _, h := range headers {
		all = append(all, wire.Header{Key: h[0], Value: []byte(h[1])})
	}
	e, err := wire.Parse(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.Route.Stops()
}

func TestRecordsAndTheirSlips(t *testing.T) {
	r := rules(t, "authorize.email", "notify.grants")
	route, err := wire.NewRoute(
		wire.Stop{Service: "provisioner", Topic: "new-user", Effect: "e", In: []byte(`{"email":"a@b"}`), Out: []byte(`{"email":"a@b","d":1}`)},
		wire.Stop{Service: "authorizer", Topic: "authorize", Effect: "e", In: []byte(`{"email":"a@b","d":1}`), Out: []byte(`{"grants":["vpn"]}`)},
	)
	if err != nil {
		t.Fatal(err)
	}
	event := wire.Event{ID: "1", Source: "s", Type: "t", SagaID: "01990000-0000-7000-8000-000000000000", Workflow: "onboarding", Hop: 2, Route: route}
	var headers [][2]string
	var letter []skald.Header
	for _, h := range event.Headers() {
		headers = append(headers, [2]string{h.Key, string(h.Value)})
		letter = append(letter, skald.Header{Key: h.Key, Value: h.Value})
	}
	before := slices.Clone(headers)
	payload := []byte(`{"email":"a@b","grants":["vpn"]}`)
	for name, test := range map[string]struct {
		e    tracker.Event
		want string
	}{
		"an event":            {tracker.Event{Topic: "notify", Headers: headers, Payload: payload}, `{"email":"a@b","grants":"•••"}`},
		"of another topic":    {tracker.Event{Topic: "new-user", Headers: headers, Payload: payload}, string(payload)},
		"a copy in an inbox":  {tracker.Event{Topic: "skald.notifier.inbox", Headers: append(slices.Clone(headers), [2]string{wire.HeaderOrigin, "notify"}), Payload: payload}, `{"email":"a@b","grants":"•••"}`},
		"a dead letter":       {tracker.Event{Topic: "skald.dlq", Headers: append(slices.Clone(headers), [2]string{wire.LetterStep, "authorize"}), Payload: payload}, `{"email":"•••","grants":["vpn"]}`},
		"Skald's own":         {tracker.Event{Topic: "skald.notifier.inbox", Type: "skald.undo", Headers: headers, Payload: []byte("1;x")}, "1;x"},
		"under a false name":  {tracker.Event{Topic: "notify", Type: "skald.undo", Headers: headers, Payload: payload}, `{"email":"a@b","grants":"•••"}`},
		"without its payload": {tracker.Event{Topic: "notify", Headers: headers}, ""},
	} {
		got := r.Event(test.e)
		if string(got.Payload) != test.want {
			t.Errorf("%s: %s, want %s", name, got.Payload, test.want)
		}
		stops := slipOf(t, got.Headers)
		want := []string{`{"email":"a@b"}`, `{"email":"•••","d":1}`, `{"email":"•••","d":1}`, `{"grants":"•••"}`}
		if diff := cmp.Diff(want, []string{string(stops[0].In), string(stops[0].Out), string(stops[1].In), string(stops[1].Out)}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if diff := cmp.Diff(before, headers); diff != "" {
		t.Errorf("the original was changed: %s", diff)
	}
	l := r.Letter(skald.DeadLetter{Topic: "skald.notifier.inbox", Step: "notify", Payload: payload, Headers: letter})
	if string(l.Payload) != `{"email":"a@b","grants":"•••"}` {
		t.Errorf("%s", l.Payload)
	}
	for _, h := range l.Headers {
		if h.Key == wire.HeaderRoute && strings.Contains(string(h.Value), "vpn") {
			t.Errorf("%s", h.Value)
		}
	}
	odd := r.Event(tracker.Event{Topic: "notify", Headers: [][2]string{{wire.HeaderRoute, "garbled a@b"}}})
	if odd.Headers[0][1] != mask.Hidden {
		t.Errorf("a slip that can't be read: %v", odd.Headers)
	}
}

// givers are the tracker's methods that give payloads. Each is masked; a new one has to be, before it may stand here.
var givers = []string{"Among", "ChangedSince", "Each", "Event", "EventsUpTo", "Saga", "Sagas"}

func TestNoMethodGivesPayloadsUnmasked(t *testing.T) {
	var found []string
	for method := range reflect.TypeFor[backend.Tracker]().Methods() {
		if gives(method.Type, map[reflect.Type]bool{}) {
			found = append(found, method.Name)
		}
	}
	if diff := cmp.Diff(givers, found); diff != "" {
		t.Errorf("mask what these methods give, in tracker.go: %s", diff)
	}
	w := consoletest.NewWorld()
	id := w.Onboard(consoletest.User("Ada"))
	m := rules(t, "*").Tracker(w)
	ctx := t.Context()
	saga, _ := m.Saga(ctx, id)
	page, _ := m.Sagas(ctx, tracker.Query{})
	changed, _ := m.ChangedSince(ctx, 0, "", 10)
	among, _ := m.Among(ctx, []string{id})
	all := append(append(append([]tracker.Saga{saga}, page.Sagas...), changed...), among...)
	_ = m.Each(ctx, tracker.Query{}, w.Seq, func(s tracker.Saga) bool {
		all = append(all, s)
		return true
	})
	if len(all) < 4 {
		t.Errorf("%d sagas", len(all))
	}
	for i, s := range all {
		for _, step := range s.Steps {
			if len(step.Payload) > 0 && string(step.Payload) != `"•••"` {
				t.Errorf("%d: %s", i, step.Payload)
			}
		}
	}
	if kept := w.ByID[id].Steps[0].Payload; !strings.Contains(string(kept), "Ada") {
		t.Errorf("what is masked was changed: %s", kept)
	}
}

// gives says whether a type holds a saga's step or an event, which have payloads.
func gives(of reflect.Type, seen map[reflect.Type]bool) bool {
	if of == reflect.TypeFor[tracker.Step]() || of == reflect.TypeFor[tracker.Event]() {
		return true
	}
	if seen[of] {
		return false
	}
	seen[of] = true
	switch of.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
		return gives(of.Elem(), seen)
	case reflect.Struct:
		for field := range of.Fields() {
			if gives(field.Type, seen) {
				return true
			}
		}
	case reflect.Func:
		for out := range of.Outs() {
			if gives(out, seen) {
				return true
			}
		}
		for in := range of.Ins() {
			if in.Kind() == reflect.Func && takes(in, seen) {
				return true
			}
		}
	}
	return false
}

func takes(f reflect.Type, seen map[reflect.Type]bool) bool {
	for in := range f.Ins() {
		if gives(in, seen) {
			return true
		}
	}
	return false
}
