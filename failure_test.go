package skald_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

var plain = skald.NewWorkflow("onboarding", newUserTopic, notifiedTopic).Subject(func(u newUser) string { return u.Name })

// startFor starts a saga for somebody.
func startFor(t *testing.T, client *skald.Client, w *skald.Workflow[newUser, notified], name string) *skald.Saga {
	t.Helper()
	saga, err := w.Start(testContext(t), client, newUser{name})
	if err != nil {
		t.Fatal(err)
	}
	return saga
}

func expectOutcome(t *testing.T, saga *skald.Saga, outcome, reason string) {
	t.Helper()
	o, err := saga.Wait(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if o.Outcome != outcome || !strings.Contains(o.Reason, reason) {
		t.Errorf("outcome %+v, want %s because of %q", o, outcome, reason)
	}
}

func ask(t *testing.T, client *skald.Client, r ...skald.Request) []skald.Answer {
	t.Helper()
	answers, err := client.Ask(testContext(t), r...)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func expectAnswer(t *testing.T, a skald.Answer, accepted bool, text string) {
	t.Helper()
	if a.Accepted != accepted || !strings.Contains(a.Text, text) {
		t.Errorf("answer %+v, want accepted %v with %q in it", a, accepted, text)
	}
}

// letters waits for so many dead letters.
func letters(t *testing.T, client *skald.Client, n int) []skald.DeadLetter {
	t.Helper()
	ctx := testContext(t)
	for {
		var all []skald.DeadLetter
		if err := client.DeadLetters(ctx, func(l skald.DeadLetter) bool { all = append(all, l); return true }); err != nil {
			t.Fatal(err)
		}
		if len(all) >= n {
			return all
		}
	}
}

func TestRejectionIsUndoneInReverse(t *testing.T) { brokertest.Each(t, testReject) }

func testReject(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, attempt int) error {
		switch {
		case is(step, name, "assign", "at once"), is(step, name, "grant", "ada"), is(step, name, "mail", "bob"), is(step, name, "complete", "eve"):
			return skald.Reject("not " + name)
		case is(step, name, "grant", "cleo") && attempt == 1:
			return errBroken
		case is(step, name, "grant", "cleo"):
			return skald.Reject("not cleo")
		}
		return nil
	}
	start(t, cfg, b.services(plain, quick)...)
	client := newClient(t, cfg)
	for name, want := range map[string][]string{
		"at once": nil,
		"ada":     {"do assign", "undo assign"},
		"cleo":    {"do assign", "undo assign"},
		"bob":     {"do assign", "do grant", "undo grant", "undo assign"},
		"eve":     {"do assign", "do grant", "do mail", "undo grant", "undo assign"},
		"dan":     {"do assign", "do grant", "do mail", "do complete"},
	} {
		saga := startFor(t, client, plain, name)
		if name == "bob" {
			if o, err := saga.Wait(testContext(t)); err != nil || strings.Join(o.Undone, " ") != "authorizer provisioner" {
				t.Errorf("%+v, %v", o, err)
			}
		}
		if name == "dan" {
			expectOutcome(t, saga, wire.Completed, "")
		} else {
			expectOutcome(t, saga, wire.Rejected, "not "+name)
		}
		b.expect(t, name, want...)
	}
	if !b.outs["assign ada"] || b.outs["grant ada"] || !b.outs["grant bob"] || b.outs["assign at once"] {
		t.Errorf("out was given where it shouldn't, or not where it should: %v", b.outs)
	}
	o := newOutside(t, cfg)
	if n := len(o.all("skald.dlq")); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestRetryThenSuccess(t *testing.T) { brokertest.Each(t, testRetry) }

func testRetry(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, attempt int) error {
		switch {
		case step == "grant" && attempt == 1:
			return errBroken
		case step == "grant" && attempt == 2:
			panic("on purpose")
		case step == "complete" && attempt == 1:
			return skald.RetryAfter(time.Millisecond, errBroken)
		}
		return nil
	}
	start(t, cfg, b.services(plain, quick)...)
	client := newClient(t, cfg)
	expectOutcome(t, startFor(t, client, plain, "ada"), wire.Completed, "")
	b.expect(t, "ada", "do assign", "do grant", "do mail", "do complete")
	if b.tries["grant ada"] != 3 || b.tries["complete ada"] != 2 {
		t.Errorf("attempts: %v", b.tries)
	}
	out := newOutside(t, cfg).all("notify")[0]
	if out.Attempt != 3 || !strings.Contains(out.LastError, "panic: on purpose") {
		t.Errorf("the output says attempt %d after %q", out.Attempt, out.LastError)
	}
}

// Attempts spent: a dead letter; redriven once, discarded once, and whatever is asked for twice is refused.
func TestDeadLettersAreRedrivenOrDiscardedOnce(t *testing.T) { brokertest.Each(t, testLetters) }

func testLetters(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	mended := make(chan struct{})
	b.behave = func(_ context.Context, step, name string, _ int) error {
		if step != "grant" {
			return nil
		}
		select {
		case <-mended:
			return nil
		default:
			return errBroken
		}
	}
	stop := start(t, cfg, b.services(plain, quick)...)
	client := newClient(t, cfg)
	ada, bob := startFor(t, client, plain, "ada"), startFor(t, client, plain, "bob")
	all := letters(t, client, 2)
	byName := map[string]skald.DeadLetter{all[0].Subject: all[0], all[1].Subject: all[1]}
	l := byName["ada"]
	if l.SagaID != ada.ID() || l.Service != "authorizer" || l.Step != "authorize" || l.Class != wire.ClassFailed || l.Attempts != 3 || !l.Halted || l.Error != "it is broken" {
		t.Errorf("%+v", l)
	}
	stop() // what halts is in the ledger
	start(t, cfg, b.services(plain, quick)...)
	close(mended)
	answers := ask(t, client, skald.Redrive(l, "mended").By("tester"), skald.Redrive(l, "again"), skald.Discard(byName["bob"], "not worth it"), skald.Redrive(byName["bob"], "too late"))
	expectAnswer(t, answers[0], true, "redriven, for the first time")
	expectAnswer(t, answers[1], false, "redriven or discarded before")
	expectAnswer(t, answers[2], true, "being undone")
	expectAnswer(t, answers[3], false, "no saga is halted here by this dead letter")
	expectOutcome(t, ada, wire.Completed, "")
	expectOutcome(t, bob, wire.Abandoned, "not worth it")
	b.expect(t, "ada", "do assign", "do grant", "do mail", "do complete")
	b.expect(t, "bob", "do assign", "undo assign")
	for _, a := range ask(t, client, skald.Redrive(l, "decided"), skald.Discard(l, "decided"), skald.Redrive(byName["bob"], "decided")) {
		expectAnswer(t, a, false, "no saga is halted here by this dead letter")
	}
	unknown := l
	unknown.ID = "5ba7c0de-0001-5a6a-8000-000000000000"
	expectAnswer(t, ask(t, client, skald.Redrive(unknown, ""))[0], false, "no saga is halted here by this dead letter")
}

func TestHandlersThatTakeTooLong(t *testing.T) { brokertest.Each(t, testTimeout1) }

func testTimeout1(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(ctx context.Context, _, name string, _ int) error {
		if name == "slow" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	services := b.services(plain, quick)
	services[1] = skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, in authorize) (notify, error) {
		return notify{in.Name, in.Device, "vpn"}, b.do(ctx, "grant", in.Name)
	}).Compensate(func(ctx context.Context, in authorize, _ *notify) error { return b.undo(ctx, "grant", in.Name, false) }).
		Timeout(50*time.Millisecond).Retry(quick))
	b2 := b.behave
	b.behave = func(ctx context.Context, step, name string, attempt int) error {
		if step == "grant" {
			return b2(ctx, step, name, attempt)
		}
		return nil
	}
	start(t, cfg, services...)
	client := newClient(t, cfg)
	slow := startFor(t, client, plain, "slow")
	expectOutcome(t, startFor(t, client, plain, "quick"), wire.Completed, "")
	l := letters(t, client, 1)[0]
	if l.SagaID != slow.ID() || l.Class != wire.ClassTimeout || l.Attempts != 3 || !strings.Contains(l.Error, "longer than 50ms") {
		t.Errorf("%+v", l)
	}
	expectAnswer(t, ask(t, client, skald.Discard(l, "enough"))[0], true, "")
	expectOutcome(t, slow, wire.Abandoned, "enough")
	b.expect(t, "slow", "do assign", "undo assign")
}

// An outage is nobody's fault: no attempt is burnt, nothing is given up, and one event at a time finds out when it is over.
func TestOutagePausesTheStep(t *testing.T) { brokertest.Each(t, testOutage) }

func testOutage(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	back := make(chan struct{})
	b.behave = func(_ context.Context, step, _ string, _ int) error {
		select {
		case <-back:
			return nil
		default:
		}
		if step == "mail" {
			return skald.Unavailable(errors.New("the mail server is away"))
		}
		return nil
	}
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	var sagas []*skald.Saga
	for range 20 {
		sagas = append(sagas, startFor(t, client, plain, "ada"))
	}
	b.awaitTries(t, "mail ada", 2) // the first ones, and a probe
	close(back)
	for _, saga := range sagas {
		expectOutcome(t, saga, wire.Completed, "")
	}
	o := newOutside(t, cfg)
	if n := len(o.all("skald.dlq")); n > 0 {
		t.Errorf("%d dead letters", n)
	}
	for _, r := range o.all("notified") {
		if r.Attempt != 1 {
			t.Errorf("an outage burnt attempts: %d", r.Attempt)
		}
	}
}

// An outage whose only witness was cancelled must not keep its step down for ever.
func TestOutageEndsWithoutItsWitness(t *testing.T) { brokertest.Each(t, testWitness) }

func testWitness(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, _ int) error {
		if is(step, name, "mail", "ada") {
			return skald.Unavailable(errors.New("the mail server is away"))
		}
		return nil
	}
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	ada := startFor(t, client, plain, "ada")
	b.awaitTries(t, "mail ada", 1)
	expectAnswer(t, ask(t, client, skald.Cancel("provisioner", ada.ID(), "no need"))[0], true, "being cancelled")
	expectOutcome(t, ada, wire.Cancelled, "no need")
	expectOutcome(t, startFor(t, client, plain, "bob"), wire.Completed, "")
}

func TestUndoThatFailsIsBlocked(t *testing.T) { brokertest.Each(t, testBlocked) }

func testBlocked(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	b.behave = func(_ context.Context, step, name string, _ int) error {
		if step == "mail" {
			return skald.Reject("no such mailbox")
		}
		return nil
	}
	mended := make(chan struct{})
	b.unbehave = func(step, _ string, attempt int) error {
		select {
		case <-mended:
			return nil
		default:
		}
		if step == "grant" && attempt < 3 {
			return errBroken // an undo is tried longer than its step
		}
		if step == "grant" {
			return skald.Poison(errBroken)
		}
		return nil
	}
	stop := start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	ada, bob := startFor(t, client, plain, "ada"), startFor(t, client, plain, "bob")
	o := newOutside(t, cfg)
	blocked := func(all []received, _ bool) bool {
		n := 0
		for _, r := range all {
			if l, err := wire.DecodeLedgerRecord(r.Payload); err == nil && l.State == wire.StateBlocked && l.Undo && l.Error == "it is broken" {
				n++
			}
		}
		return n >= 2
	}
	o.read("skald.authorizer.ledger", blocked, "two blocked undos")
	b.expect(t, "ada", "do assign", "do grant")
	stop()
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	expectAnswer(t, ask(t, client, skald.Unblock("notifier", ada.ID(), false, ""))[0], false, "no undo of this saga is blocked in service notifier")
	close(mended)
	expectAnswer(t, ask(t, client, skald.Unblock("authorizer", ada.ID(), false, "mended"))[0], true, "tried again")
	expectAnswer(t, ask(t, client, skald.Unblock("authorizer", bob.ID(), true, "by hand"))[0], true, "taken as undone")
	expectOutcome(t, ada, wire.Rejected, "no such mailbox")
	expectOutcome(t, bob, wire.Rejected, "no such mailbox")
	b.expect(t, "ada", "do assign", "do grant", "undo grant", "undo assign")
	b.expect(t, "bob", "do assign", "do grant", "undo assign")
	expectAnswer(t, ask(t, client, skald.Unblock("authorizer", ada.ID(), false, ""))[0], false, "no undo of this saga is blocked")
}
