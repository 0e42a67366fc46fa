package tracker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// What counts is what the service has accepted, and of that the last.
func TestEditsAreThoseThatWereAccepted(t *testing.T) {
	ids := []string{wire.SagaIDFor("c", "1"), wire.SagaIDFor("c", "2"), wire.SagaIDFor("c", "3"), wire.SagaIDFor("c", "4")}
	command := func(n int, offset int64, by, payload string, edited bool) store.Record {
		c := wire.Command{ID: ids[n], Kind: wire.CommandRedrive, Edited: edited, By: by, Letter: &wire.LetterRef{ID: "l", Event: "e"}}
		r := store.Record{Offset: offset, Value: []byte(payload), Headers: encodeHeaders([]kgo.RecordHeader{{Key: wire.HeaderCommand, Value: c.Encode()}})}
		r.Topic.Name = "skald.notifier.inbox"
		return r
	}
	answer := func(n int, answer string) store.Record {
		l := wire.LedgerRecord{Op: wire.OpNote, ID: ids[n], Answer: answer}
		r := store.Record{Value: l.Encode()}
		r.Topic.Name = "skald.notifier.ledger"
		return r
	}
	got := editsOf([]store.Record{
		answer(2, wire.AnswerRefused), command(1, 7, "", `{"n":2}`, true), command(0, 3, "ada", `{"n":1}`, true), command(2, 9, "bob", `{"n":3}`, true),
		command(3, 11, "eve", `{"n":4}`, false), answer(3, wire.AnswerAccepted), answer(0, wire.AnswerAccepted), answer(1, wire.AnswerAccepted),
	})
	if e := got["e"]; len(got) != 1 || string(e.payload) != `{"n":2}` || e.by != "somebody" {
		t.Errorf("%+v", got)
	}
}
