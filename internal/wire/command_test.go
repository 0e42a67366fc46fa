package wire

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const someID = "5ba7c0de-0001-5a6a-8000-736b616c6400"

func TestCommandsRoundTrip(t *testing.T) {
	for _, c := range []Command{
		{ID: someID, Kind: CommandCancel, Saga: someID, Reason: "why", By: "who", Time: time.Unix(1, 2).UTC()},
		{ID: someID, Kind: CommandAbandon, Saga: someID},
		{ID: someID, Kind: CommandUnblock, Saga: someID, Decision: DecideResolved},
		{ID: someID, Kind: CommandRedrive, Letter: &LetterRef{ID: "l", Event: "e", Partition: 3, Offset: 4}},
		{ID: someID, Kind: CommandRedrive, Letter: &LetterRef{ID: "l", Event: "e"}, Edited: true},
		{ID: someID, Kind: CommandDiscard, Saga: someID, Letter: &LetterRef{ID: "l", Event: "e"}},
	} {
		got, err := DecodeCommand(c.Encode())
		c.Version = plainVersion
		if c.Edited {
			c.Version = 2
		}
		if diff := cmp.Diff(c, got); err != nil || diff != "" {
			t.Errorf("%v (-written +read):\n%s", err, diff)
		}
	}
}

// What a service can't carry out is refused with what is wrong with it.
func TestCommandsAreChecked(t *testing.T) {
	for value, says := range map[string]string{
		``:                                     "no command",
		`{"v":3}`:                              "newer",
		`{"v":1,"id":"x","kind":"cancel"}`:     "UUID as its ID",
		`{"id":"` + someID + `"}`:              `command "" is not known`,
		`{"id":"` + someID + `","kind":"eat"}`: `command "eat" is not known`,
		`{"id":"` + someID + `","kind":"cancel"}`:                                                "which saga",
		`{"id":"` + someID + `","kind":"cancel","saga":"x"}`:                                     "no UUID",
		`{"id":"` + someID + `","kind":"discard","letter":{"id":"x","event":"y"},"edited":true}`: "not with discard",
		`{"id":"` + someID + `","kind":"redrive"}`:                                               "which dead letter",
		`{"id":"` + someID + `","kind":"discard","letter":{"id":"x"}}`:                           "which dead letter",
		`{"id":"` + someID + `","kind":"unblock","saga":"` + someID + `","decision":"whatever"}`: `"retry" or "resolved"`,
	} {
		if _, err := DecodeCommand([]byte(value)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", value, err, says)
		}
	}
	for value, says := range map[string]string{
		``: "no undo", `{"v":2}`: "newer", `{"outcome":"completed"}`: `as "completed"`, `{}`: `as ""`,
		`{"outcome":"rejected","undone":[` + strings.TrimSuffix(strings.Repeat(`"a",`, MaxRouteStops+1), ",") + `]}`: "more steps undone",
	} {
		if _, err := DecodeTurn([]byte(value)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", value, err, says)
		}
	}
}

func TestLettersKeepTheirNames(t *testing.T) {
	l := &Letter{
		ID: LetterID("e", "s", "t", 1), Event: "e", Service: "s", Step: "t", Class: ClassTooLarge, Bound: 10, Time: time.Unix(1, 0),
		Record: Record{Topic: "t", Value: []byte(strings.Repeat("x", CutBytes+1))},
	}
	got, err := ParseLetter(&Record{Headers: l.Headers(), Value: l.Value()})
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != l.ID || got.Event != "e" || got.Cut != CutBytes+1 {
		t.Errorf("read again: %+v", got)
	}
	if LetterID("e", "s", "t", 0) == l.ID || LetterID("e", "s", "t2", 1) == l.ID {
		t.Error("letters share an ID")
	}
}

// An event that is given back has the headers that it had, however often that happens.
func TestLettersGiveBackTheOriginalHeaders(t *testing.T) {
	original := Headers{{HeaderID, []byte("e")}, {"kafka_dlt-original-topic", []byte("of another tool")}, {"theirs", []byte("x")}}
	for name, bound := range map[string]int{"whole": 1 << 20, "cut": 0} {
		value := make([]byte, 2*CutBytes)
		l := &Letter{
			ID: "l", Service: "s", Class: ClassPanic, Error: "panic", Stack: "stack", Time: time.Unix(1, 0), Bound: bound,
			Record: Record{Topic: "t", Headers: original, Value: value},
		}
		for range 3 {
			got, err := ParseLetter(&Record{Headers: l.Headers(), Value: value})
			if err != nil || !reflect.DeepEqual(got.Record.Headers, original) {
				t.Fatalf("%s: %v, headers %s, want %s", name, err, got.Record.Headers, original)
			}
			l.Record.Headers = got.Record.Headers
		}
	}
}
