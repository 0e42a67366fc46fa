package skald_test

import (
	"context"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// The same idempotency key begins one saga, also over a restart and a rebalance of the initiator, while the saga is under way and after
// it has ended, whether it was completed or undone.
func TestStartIsIdempotent(t *testing.T) { brokertest.Each(t, testIdempotent) }

func testIdempotent(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	gate := make(chan struct{})
	b.behave = func(ctx context.Context, step, name string, _ int) error {
		if step != "grant" {
			return nil
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
		if name == "bob" {
			return skald.Reject("not bob")
		}
		return nil
	}
	stop := start(t, cfg, b.provisioner(plain, quick))
	start(t, cfg, b.authorizer(quick), b.notifier(quick))
	client := newClient(t, cfg)
	o := newOutside(t, cfg)
	duplicates := 0
	again := func(client *skald.Client) (ada, bob *skald.Saga) {
		t.Helper()
		var err error
		if ada, err = plain.Start(testContext(t), client, newUser{"ada"}, skald.WithIdempotencyKey("ada")); err != nil {
			t.Fatal(err)
		}
		if bob, err = plain.Start(testContext(t), client, newUser{"bob"}, skald.WithIdempotencyKey("bob")); err != nil {
			t.Fatal(err)
		}
		return ada, bob
	}
	noted := func() {
		t.Helper()
		duplicates += 2
		o.read("skald.provisioner.ledger", func(all []received, _ bool) bool {
			n := 0
			for _, r := range all {
				if l, err := wire.DecodeLedgerRecord(r.Payload); err == nil && l.Reason == "duplicate start: the saga was begun before" {
					n++
				}
			}
			return n >= duplicates
		}, "the notes on repeated starts")
	}
	ada, bob := again(client)
	b.await(t, "both at the authorizer", func() bool { return b.tries["grant ada"] == 1 && b.tries["grant bob"] == 1 })
	again(client)
	noted()
	stop()
	stop = start(t, cfg, b.provisioner(plain, quick)) // a restart, under way
	again(client)
	noted()
	second := cfg
	second.Instance = "second"
	stopSecond := start(t, second, b.provisioner(plain, quick)) // a rebalance
	again(client)
	noted()
	close(gate)
	expectOutcome(t, ada, wire.Completed, "")
	expectOutcome(t, bob, wire.Rejected, "not bob")
	stop() // the second takes over what has ended
	again(client)
	noted()
	stopSecond()
	start(t, cfg, b.provisioner(plain, quick))
	again(client)
	noted()
	b.expect(t, "ada", "do assign", "do grant", "do mail", "do complete")
	b.expect(t, "bob", "do assign", "undo assign")
	if n := len(o.all("skald.outcomes")); n != 2 {
		t.Errorf("%d outcomes of 2 sagas", n)
	}
	if b.tries["assign ada"] != 1 || b.tries["assign bob"] != 1 {
		t.Errorf("begun %d and %d times", b.tries["assign ada"], b.tries["assign bob"])
	}
}

// A dead letter of an event that belongs to no saga, or that was to begin one, is given back as well.
func TestLettersOfNoSagaAreRedriven(t *testing.T) { brokertest.Each(t, testLooseLetters) }

func testLooseLetters(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	mended := make(chan struct{})
	b.behave = func(_ context.Context, step, _ string, _ int) error {
		select {
		case <-mended:
			return nil
		default:
		}
		if step == "grant" || step == "assign" {
			return errBroken
		}
		return nil
	}
	o := newOutside(t, cfg, "new-user", "authorize", "notify", "notified", "skald.dlq")
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	o.send("authorize", "key", `{"Name":"of no saga"}`)
	o.send("new-user", "", `{"Name":"foreign"}`, "ce_id", "17", "ce_source", "/crm")
	all := letters(t, client, 2)
	close(mended)
	for _, l := range all {
		expectAnswer(t, ask(t, client, skald.Redrive(l, "mended"))[0], true, "redriven")
	}
	b.await(t, "both to be handled", func() bool { return b.tries["complete foreign"] == 1 && b.tries["mail of no saga"] == 1 })
	b.expect(t, "foreign", "do assign", "do grant", "do mail", "do complete")
	b.expect(t, "of no saga", "do grant", "do mail")

	// A start that can't be read begins no saga, and isn't admitted by being redriven.
	o.send("new-user", "", `{"Name":7}`)
	var bad skald.DeadLetter
	for _, l := range letters(t, client, 3) {
		if l.SagaID == "" && l.Step == "new-user" {
			bad = l
		}
	}
	expectAnswer(t, ask(t, client, skald.Redrive(bad, ""))[0], false, "Name: a number was given")
	expectAnswer(t, ask(t, client, skald.Discard(bad, ""))[0], true, "nothing waits for it")
}
