package tracker

import (
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

func TestSourcesByName(t *testing.T) {
	tests := []struct {
		namespace wire.Namespace
		topic     string
		want      source
	}{
		{"", "authorize", source{sourceEvents, "authorize", ""}},
		{"team-a.", "team-a.authorize", source{sourceEvents, "authorize", ""}},
		{"team-a.", "authorize", source{}},
		{"team-a.", "team-a.skald.outcomes", source{sourceOutcomes, "skald.outcomes", ""}},
		{"", "skald.dlq", source{sourceLetters, "skald.dlq", ""}},
		{"", "skald.services", source{sourceRegistry, "skald.services", ""}},
		{"", "skald.a.b.inbox", source{sourceInbox, "skald.a.b.inbox", "a.b"}},
		{"", "skald.odd.inbox.ledger", source{sourceLedger, "skald.odd.inbox.ledger", "odd.inbox"}},
		{"", "skald.cancel", source{sourceForeign, "skald.cancel", ""}},
	}
	for _, test := range tests {
		if got := sourceOf(test.namespace, test.topic); got != test.want {
			t.Errorf("%s under %q: got %+v, want %+v", test.topic, test.namespace, got, test.want)
		}
	}
}

func header(pairs ...string) (headers []wire.Header) {
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, wire.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return headers
}

const someSaga = "0198c7a2-5b1e-7c3d-8f00-1234567890ab"

func TestRecordsOfUnknownShapeAreSkipped(t *testing.T) {
	tests := []struct {
		name, topic string
		headers     []wire.Header
		value       string
		want        skip
		problem     bool
	}{
		{"foreign start", "new-user", nil, `{}`, skipNoSaga, false},
		{"saga ID that is none", "new-user", header("ce_sagaid", "four"), `{}`, skipEvent, true},
		{"hop that is none", "authorize", header("ce_sagaid", someSaga, "ce_hop", "x"), `{}`, skipNone, true},
		{"empty ledger record", "skald.x.ledger", nil, ``, skipLedger, true},
		{"future ledger record", "skald.x.ledger", nil, `{"v":99,"op":"put"}`, skipLedger, true},
		{"ledger record of a saga that is none", "skald.x.ledger", nil, `{"v":1,"op":"put","saga":"four"}`, skipLedger, true},
		{"checkpoint", "skald.x.ledger", nil, `{"v":1,"op":"put","kind":"checkpoint","id":"checkpoint"}`, skipNoSaga, false},
		{"letter with coordinates that are none", "skald.dlq", header("dlq-offset", "x"), ``, skipLetter, true},
		{"letter of no saga", "skald.dlq", header("dlq-service", "x"), ``, skipNone, false},
		{"command that is none", "skald.x.inbox", header("skald-command", "{"), ``, skipCommand, true},
		{"command about no saga", "skald.x.inbox", header("skald-command", `{"v":1,"id":"0198c7a2-5b1e-7c3d-8f00-1234567890ab","kind":"discard","letter":{"id":"a","event":"b"}}`), ``, skipNoSaga, false},
		{"undo that is none", "skald.x.inbox", header("ce_sagaid", someSaga, "ce_type", "skald.undo"), `{`, skipNone, false},
		{"outcome of no saga", "skald.outcomes", header("ce_type", "skald.outcome"), `{"v":1,"outcome":"completed"}`, skipOutcome, true},
		{"outcome without payload", "skald.outcomes", header("ce_sagaid", someSaga, "ce_type", "skald.outcome"), ``, skipOutcome, true},
		{"unknown outcome", "skald.outcomes", header("ce_sagaid", someSaga, "ce_type", "skald.outcome"), `{"v":1,"outcome":"bliss"}`, skipOutcome, true},
		{"cancel notice", "skald.cancel", header("ce_sagaid", someSaga), ``, skipTopic, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := wire.Record{Topic: test.topic, Headers: test.headers, Value: []byte(test.value)}
			_, got, err := project(sourceOf("", test.topic), &r)
			if got != test.want || (err != nil) != test.problem {
				t.Errorf("got %q with error %v, want %q and an error %t", got, err, test.want, test.problem)
			}
		})
	}
}

// Anybody may write any header; a saga's state stays small and can be read again.
func TestHostileHeadersAreBounded(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	bad := "\xff\x00<script>" + huge
	r := wire.Record{Topic: "authorize", Time: time.Now(), Headers: header(
		"ce_sagaid", someSaga, "ce_id", bad, "ce_source", bad, "ce_subject", bad, "ce_workflow", bad, "ce_hop", "9",
		"ce_causationid", bad, "ce_lasterror", bad, "ce_attempt", "1",
	)}
	f, skipped, err := project(sourceOf("", "authorize"), &r)
	if skipped != skipNone || err != nil {
		t.Fatal(skipped, err)
	}
	s := &state{}
	s.merge(&f)
	encoded := s.encode()
	if len(encoded) > 8<<10 {
		t.Errorf("the state has %d bytes", len(encoded))
	}
	again, err := decodeState(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if again.merge(&f) {
		t.Error("the same fact is news to a state that was stored and read again")
	}
}
