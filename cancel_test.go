package skald_test

import (
	"context"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// Cancel finds the token wherever it is.
func TestCancel(t *testing.T) { brokertest.Each(t, testCancel) }

func testCancel(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	gate := make(chan struct{})
	b.behave = func(ctx context.Context, step, name string, _ int) error {
		switch {
		case "retries "+step == name: // and waits for an hour
			return errBroken
		case "halted "+step == name:
			return skald.Poison(errBroken)
		case "running "+step == name:
			select {
			case <-gate:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	start(t, cfg, b.provisioner(plain, patient), b.authorizer(patient))
	client := newClient(t, cfg)
	undone := []string{"do assign", "undo assign"}
	for _, c := range []struct {
		name  string
		tries string // what to wait for before the saga is cancelled
		want  []string
	}{
		{"retries assign", "assign retries assign", nil},
		{"halted assign", "assign halted assign", nil},
		{"retries grant", "grant retries grant", undone},
		{"halted grant", "grant halted grant", undone},
	} {
		saga := startFor(t, client, plain, c.name)
		b.awaitTries(t, c.tries, 1)
		expectAnswer(t, ask(t, client, skald.Cancel("provisioner", saga.ID(), "changed my mind").By("tester"))[0], true, "being cancelled")
		expectOutcome(t, saga, wire.Cancelled, "changed my mind")
		b.expect(t, c.name, c.want...)
		expectAnswer(t, ask(t, client, skald.Cancel("provisioner", saga.ID(), "again"))[0], false, "ended")
	}

	// In flight, as the notifier isn't there: the notices find nobody, until it comes and holds the token. A handler that runs goes on;
	// its output is turned round when it comes home, or by whoever has it next.
	flying, running := startFor(t, client, plain, "in flight"), startFor(t, client, plain, "running grant")
	b.await(t, "both to be on their way", func() bool { return b.tries["grant in flight"] == 1 && b.tries["grant running grant"] == 1 })
	for _, a := range ask(t, client, skald.Cancel("provisioner", flying.ID(), "grounded"), skald.Cancel("provisioner", running.ID(), "stopped")) {
		expectAnswer(t, a, true, "being cancelled")
	}
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", flying.ID(), "twice"))[0], true, "cancelled already")
	close(gate)
	start(t, cfg, b.notifier(patient))
	expectOutcome(t, flying, wire.Cancelled, "grounded")
	expectOutcome(t, running, wire.Cancelled, "stopped")
	for _, name := range []string{"in flight", "running grant"} {
		got := b.of(name)
		if len(got) < 4 || got[len(got)-2] != "undo grant" || got[len(got)-1] != "undo assign" {
			t.Errorf("%s: %q", name, got)
		}
	}

	// At home, where End's handler waits for another attempt.
	home := startFor(t, client, plain, "retries complete")
	b.awaitTries(t, "complete retries complete", 1)
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", home.ID(), "late"))[0], true, "being cancelled")
	expectOutcome(t, home, wire.Cancelled, "late")
	b.expect(t, "retries complete", "do assign", "do grant", "do mail", "undo grant", "undo assign")

	done := startFor(t, client, plain, "nobody")
	expectOutcome(t, done, wire.Completed, "")
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", done.ID(), ""))[0], false, "its outcome is decided")
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", wire.SagaIDFor("w", "unknown"), ""))[0], false, "no such saga is open")
	expectAnswer(t, ask(t, client, skald.Abandon("provisioner", wire.SagaIDFor("w", "unknown"), ""))[0], false, "no such saga is open")
	if _, err := client.Ask(testContext(t), skald.Cancel("provisioner", "no UUID", "")); err == nil {
		t.Error("a saga ID that is no UUID is taken")
	}
	if _, err := client.Ask(testContext(t), skald.Cancel("no service!", done.ID(), "")); err == nil {
		t.Error("a service that can't be is taken")
	}
}

// A saga whose End handler has begun isn't turned round: it completes.
func TestCancelAfterEndHasBegun(t *testing.T) {
	t.Parallel()
	cfg := configFor(brokertest.Embedded(t))
	b := newBook()
	gate := make(chan struct{})
	b.behave = func(ctx context.Context, step, _ string, _ int) error {
		if step == "complete" {
			select {
			case <-gate:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	start(t, cfg, b.services(plain, quick)...)
	client := newClient(t, cfg)
	saga := startFor(t, client, plain, "ada")
	b.awaitTries(t, "complete ada", 1)
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", saga.ID(), "too late"))[0], true, "")
	close(gate)
	expectOutcome(t, saga, wire.Completed, "")
	b.expect(t, "ada", "do assign", "do grant", "do mail", "do complete")
}

func TestAbandonEndsWhatNeverComesHome(t *testing.T) {
	t.Parallel()
	cfg := configFor(brokertest.Embedded(t))
	b := newBook()
	start(t, cfg, b.provisioner(plain, quick)) // nobody takes its events
	client := newClient(t, cfg)
	saga := startFor(t, client, plain, "ada")
	b.awaitTries(t, "assign ada", 1)
	expectAnswer(t, ask(t, client, skald.Abandon("provisioner", saga.ID(), "the authorizer is gone"))[0], true, "nothing was undone")
	expectOutcome(t, saga, wire.Abandoned, "the authorizer is gone")
	b.expect(t, "ada", "do assign")
	// When its token comes home after all, it is late.
	start(t, cfg, b.authorizer(quick), b.notifier(quick))
	b.awaitTries(t, "mail ada", 1)
	newOutside(t, cfg).read("skald.provisioner.ledger", func(all []received, _ bool) bool {
		for _, reason := range notesIn(t, all) {
			if reason == "late: the saga is not open here" {
				return true
			}
		}
		return false
	}, "a note on the late token")
}

func TestDeadline(t *testing.T) { brokertest.Each(t, testDeadline) }

func testDeadline(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	hurried := skald.NewWorkflow("hurried", newUserTopic, notifiedTopic).Deadline(3*time.Second, skald.Expire)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, _ int) error {
		if step == "grant" && name != "quick" {
			return errBroken
		}
		return nil
	}
	stop := start(t, cfg, b.services(hurried, patient)...)
	client := newClient(t, cfg)
	expectOutcome(t, startFor(t, client, hurried, "first"), wire.Expired, "deadline") // the topics are there now
	b.expect(t, "first", "do assign", "undo assign")
	expectOutcome(t, startFor(t, client, hurried, "quick"), wire.Completed, "")
	// A deadline that passes while its service is away isn't lost.
	saga := startFor(t, client, hurried, "slow")
	b.awaitTries(t, "grant slow", 1)
	stop()
	start(t, cfg, b.services(hurried, patient)...)
	expectOutcome(t, saga, wire.Expired, "deadline")
	b.expect(t, "slow", "do assign", "undo assign")
}

// A workflow that only alerts: the saga is said to be overdue, once, and goes on.
func TestOverdueIsSaidOnce(t *testing.T) {
	t.Parallel()
	cfg := configFor(brokertest.Embedded(t))
	relaxed := skald.NewWorkflow("relaxed", newUserTopic, notifiedTopic).Deadline(50 * time.Millisecond)
	b := newBook()
	gate := make(chan struct{})
	b.behave = func(ctx context.Context, step, _ string, _ int) error {
		if step == "mail" {
			select {
			case <-gate:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	stop := start(t, cfg, b.provisioner(relaxed, quick))
	start(t, cfg, b.authorizer(quick), b.notifier(quick))
	client := newClient(t, cfg)
	saga := startFor(t, client, relaxed, "ada")
	o := newOutside(t, cfg)
	overdue := func(all []received) (notes, puts int) {
		for _, r := range all {
			l, err := wire.DecodeLedgerRecord(r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if l.State == wire.StateOverdue && l.Op == wire.OpNote {
				notes++
			} else if l.State == wire.StateOverdue {
				puts++
			}
		}
		return notes, puts
	}
	o.read("skald.provisioner.ledger", func(all []received, _ bool) bool { n, p := overdue(all); return n == 1 && p == 1 }, "a note and an entry")
	stop()
	start(t, cfg, b.provisioner(relaxed, quick)) // it has been told
	close(gate)
	expectOutcome(t, saga, wire.Completed, "")
	if n, p := overdue(o.all("skald.provisioner.ledger")); n != 1 || p != 1 {
		t.Errorf("said to be overdue in %d notes and %d entries", n, p)
	}
}
