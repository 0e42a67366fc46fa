package skald_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// A halted event is redriven with another payload: the service refuses what it can't take, runs the new one once, and the saga goes on with
// what came of it. The letter keeps the event as it was.
func TestRedriveWithAnotherPayload(t *testing.T) { brokertest.Each(t, testRedriveEdited) }

func testRedriveEdited(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, _ int) error {
		if step == "grant" && strings.HasPrefix(name, "mistyped") {
			return skald.Poison(errors.New("nobody has that name"))
		}
		return nil
	}
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	saga := startFor(t, client, plain, "mistyped")
	letter := letters(t, client, 1)[0]
	other := strings.Replace(string(letter.Payload), `mistyped`, `ada`, 1)
	if other == string(letter.Payload) {
		t.Fatalf("the letter's payload is %s", letter.Payload)
	}
	edited := func(payload string) skald.Request {
		return skald.Redrive(letter, "a typing error").By("desk 2").WithPayload([]byte(payload))
	}
	expectAnswer(t, ask(t, client, edited(`{"no":`))[0], false, "isn't what the step takes")

	// An edit may be as wrong as the event was: the next letter holds it, and says who did it.
	expectAnswer(t, ask(t, client, edited(strings.Replace(string(letter.Payload), "mistyped", "mistyped again", 1)))[0], true, "with another payload, for the first time")
	second := letters(t, client, 2)
	again := second[0]
	if again.ID == letter.ID {
		again = second[1]
	}
	if by := headerOf(again, wire.HeaderEditedBy); by != "desk 2" || !strings.Contains(string(again.Payload), "mistyped again") || again.EventID != letter.EventID {
		t.Errorf("edited by %q, %s, of event %s; the first was %s", by, again.Payload, again.EventID, letter.EventID)
	}
	expectAnswer(t, ask(t, client, edited(other))[0], false, "redriven or discarded before")
	letter = again
	answers := ask(t, client, edited(other), edited(other))
	if accepted(answers) != 1 {
		t.Errorf("the same letter twice: %+v", answers)
	}
	expectOutcome(t, saga, wire.Completed, "")
	first, err := client.DeadLetter(testContext(t), second[0].Partition, min(second[0].Offset, second[1].Offset))
	if err != nil || !strings.Contains(string(first.Payload), `"mistyped"`) || headerOf(first, wire.HeaderEditedBy) != "" {
		t.Errorf("the first letter holds %s, %v", first.Payload, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := fmt.Sprint(b.tries["grant ada"], b.tries["mail ada"], b.tries["complete ada"]); n != "1 1 1" {
		t.Errorf("grant, mail and complete ran %s times for ada: %v", n, b.tries)
	}
}

func headerOf(l skald.DeadLetter, name string) string {
	for _, h := range l.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func TestOnlyARedriveHasAnotherPayload(t *testing.T) {
	l := skald.DeadLetter{Service: "a", ID: "l", EventID: "e", Cut: 10}
	for _, r := range []skald.Request{skald.Discard(l, "").WithPayload(nil), skald.Cancel("a", "01a20d67-0d4a-7dab-93bd-90c6d23e60cb", "").WithPayload(nil)} {
		if r.Err() == nil || !strings.Contains(r.Err().Error(), "only the event of a redrive") {
			t.Error(r, r.Err())
		}
	}
	if r := skald.Redrive(l, "").WithPayload([]byte("{}")); r.Err() != nil {
		t.Error("a cut event that is given whole:", r.Err())
	}
	if r := skald.Redrive(skald.DeadLetter{Service: "a"}, "").WithPayload([]byte("{}")); r.Err() == nil {
		t.Error("a letter without an ID was taken")
	}
}
