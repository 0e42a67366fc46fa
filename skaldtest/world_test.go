package skaldtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/skaldtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func want(t *testing.T, s *skaldtest.Saga, want skaldtest.Status) {
	t.Helper()
	if got := s.Status(); got != want {
		t.Errorf("the saga is %s\nwant %s\n%s", got, want, strings.Join(s.Trace(), "\n"))
	}
}

func paysFor(err error) *skald.Service {
	return bank(func(item string) (string, error) { return "receipt for a " + item, err })
}

func TestAttemptsAreSpentByTheClock(t *testing.T) {
	calls := 0
	w := skaldtest.New(t, bank(func(string) (string, error) { calls++; return "", errors.New("503") }))
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	w.Advance(999 * time.Millisecond)
	want(t, saga, skaldtest.Status{State: skaldtest.Retrying, Service: "bank", Topic: "charge", Attempt: 1, In: time.Millisecond, Why: "503"})
	w.Advance(time.Millisecond)
	if calls != 2 {
		t.Errorf("%d calls after a second, want 2", calls)
	}
	w.Advance(24 * time.Hour)
	want(t, saga, skaldtest.Status{State: skaldtest.Halted, Service: "bank", Topic: "charge", Attempt: skald.DefaultRetry.Attempts, Why: "503"})
	letter := saga.DeadLetter()
	// Delays of 1, 2, 4, 8, 16, 30 and 30 s: the policy's longest.
	began := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	if took := letter.Time.Sub(began); took != 91*time.Second {
		t.Errorf("given up after %v, want 91 s", took)
	}
	if letter.Class != "failed" || letter.Attempts != calls || !letter.Halted || letter.SagaID != saga.ID() || letter.Service != "bank" {
		t.Errorf("letter %+v", letter)
	}
}

func TestRetryAfterAndUnavailable(t *testing.T) {
	var answer error
	w := skaldtest.New(t, bank(func(item string) (string, error) { return item, answer }))
	answer = skald.RetryAfter(10*time.Minute, errors.New("429"))
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	want(t, saga, skaldtest.Status{State: skaldtest.Retrying, Service: "bank", Topic: "charge", Attempt: 1, In: 10 * time.Minute, Why: "429"})

	answer = skald.Unavailable(errors.New("no route to the bank"))
	other := skaldtest.Send(w, ordering, charge, Charge{"cup"})
	want(t, other, skaldtest.Status{State: skaldtest.Unavailable, Service: "bank", Topic: "charge", In: time.Second, Why: "no route to the bank"})
	w.Advance(time.Hour)
	if s := other.Status(); s.State != skaldtest.Unavailable || s.Attempt != 0 {
		t.Errorf("after an hour of outage: %s, want unavailable with no attempt burnt", s)
	}
	answer = nil
	w.Advance(time.Minute)
	for _, s := range []*skaldtest.Saga{saga, other} {
		want(t, s, skaldtest.Status{State: skaldtest.Sent, Topic: "charged"})
	}
}

func TestRejectedIsUndoneInReverse(t *testing.T) {
	reserved := map[string]int{}
	refunds := 0
	insurer := skald.NewService("insurer", skald.Step(charge, skald.Topic[Charge]("insured"), func(_ context.Context, c Charge) (Charge, error) { return c, nil }).
		Compensate(func(_ context.Context, _ Charge, out *Charge) error {
			if out == nil || out.Item != "yacht" {
				t.Errorf("undone with out %v", out)
			}
			refunds++
			return nil
		}))
	payer := skald.NewService("payer", skald.Step("insured", charged, func(context.Context, Charge) (Charged, error) {
		return Charged{}, skald.Reject("no")
	}))
	w := skaldtest.New(t, shop(reserved), insurer, payer)
	saga := skaldtest.Start(w, ordering, Order{"yacht"})
	want(t, saga, skaldtest.Status{State: skaldtest.Rejected, Why: "no"})
	if diff := cmp.Diff([]string{"insurer/charge", "shop/ordered"}, saga.Undone()); diff != "" {
		t.Errorf("undone (-want +got):\n%s", diff)
	}
	if refunds != 1 || reserved["yacht"] != 0 {
		t.Errorf("%d refunds, reserved %v", refunds, reserved)
	}
	trace := []string{
		"shop/ordered: done -> charge", "insurer/charge: done -> insured", "payer/insured: attempt 1: rejected: no",
		"insurer/charge: undone", "shop/ordered: undone", "rejected: no",
	}
	if diff := cmp.Diff(trace, saga.Trace()); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

// The test stands for the initiator of a saga that is begun elsewhere.
func TestOneServiceAloneIsUndone(t *testing.T) {
	var answer error
	undone := 0
	s := skald.NewService("bank", skald.Step(charge, charged, func(context.Context, Charge) (Charged, error) { return Charged{}, answer }).
		Compensate(func(_ context.Context, _ Charge, out *Charged) error {
			if out != nil {
				t.Error("out isn't nil for a step that rejected")
			}
			undone++
			return nil
		}))
	w := skaldtest.New(t, s)
	answer = skald.Reject("no money")
	saga := skaldtest.Send(w, ordering, charge, Charge{"yacht"})
	want(t, saga, skaldtest.Status{State: skaldtest.Rejected, Why: "no money"})
	answer = skald.Poison(errors.New("bad"))
	saga = skaldtest.Send(w, ordering, charge, Charge{"yacht"})
	if a := w.Ask(skald.Discard(saga.DeadLetter(), "nobody needs it")); !a.Accepted {
		t.Errorf("discard: %+v", a)
	}
	want(t, saga, skaldtest.Status{State: skaldtest.Abandoned, Why: "nobody needs it"})
	if undone != 2 {
		t.Errorf("%d undone, want 2", undone)
	}
}

func TestDeadlineExpires(t *testing.T) {
	reserved := map[string]int{}
	w := skaldtest.New(t, shop(reserved), paysFor(skald.RetryAfter(24*time.Hour, errors.New("closed"))))
	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	w.Advance(time.Hour - time.Nanosecond)
	if s := saga.Status(); s.State != skaldtest.Retrying {
		t.Errorf("before its deadline the saga is %s", s)
	}
	w.Advance(time.Second)
	want(t, saga, skaldtest.Status{State: skaldtest.Expired, Why: "the saga's deadline has passed"})
	if reserved["teapot"] != 0 {
		t.Errorf("reserved %v", reserved)
	}
}

func TestCancelMeetsTheToken(t *testing.T) {
	reserved := map[string]int{}
	w := skaldtest.New(t, shop(reserved), paysFor(errors.New("503")))
	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	if a := w.Ask(skald.Cancel("shop", saga.ID(), "changed my mind")); !a.Accepted {
		t.Fatalf("%+v", a)
	}
	w.Advance(time.Second)
	want(t, saga, skaldtest.Status{State: skaldtest.Cancelled, Why: "changed my mind"})
	if reserved["teapot"] != 0 {
		t.Errorf("reserved %v", reserved)
	}
	if a := w.Ask(skald.Cancel("shop", saga.ID(), "again")); a.Accepted || !strings.Contains(a.Text, "decided") {
		t.Errorf("a second cancel: %+v", a)
	}
}

func TestBlockedUndo(t *testing.T) {
	stuck := errors.New("the warehouse is closed")
	s := skald.NewService("shop",
		skald.Begin(ordering, charge, func(_ context.Context, o Order) (Charge, error) { return Charge(o), nil }).
			Compensate(func(context.Context, Order, *Charge) error { return stuck }),
		skald.End(ordering, func(context.Context, Charged) error { return nil }))
	w := skaldtest.New(t, s, paysFor(skald.Reject("no")))
	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	if s := saga.Status(); s.State != skaldtest.Retrying || !s.Undoing {
		t.Errorf("the saga is %s, want an undo that is tried again", s)
	}
	w.Advance(24 * time.Hour)
	if s := saga.Status(); s.State != skaldtest.Blocked || !s.Undoing || s.Why != stuck.Error() {
		t.Errorf("the saga is %s, want a blocked undo", s)
	}
	if a := w.Ask(skald.Unblock("shop", saga.ID(), true, "carried back by hand")); !a.Accepted {
		t.Errorf("%+v", a)
	}
	want(t, saga, skaldtest.Status{State: skaldtest.Rejected, Why: "no"})
}

func TestStartIsIdempotent(t *testing.T) {
	w := skaldtest.New(t, shop(map[string]int{}), paysFor(nil))
	first := skaldtest.Start(w, ordering, Order{"teapot"}, skald.WithIdempotencyKey("order-1"))
	again := skaldtest.Start(w, ordering, Order{"teapot"}, skald.WithIdempotencyKey("order-1"))
	if first.ID() != again.ID() || len(skaldtest.Events(w, charge)) != 1 {
		t.Errorf("sagas %s and %s, %d charged; want one", first.ID(), again.ID(), len(skaldtest.Events(w, charge)))
	}
	if trace := again.Trace(); !strings.Contains(trace[len(trace)-1], "duplicate start") {
		t.Errorf("trace %q", trace)
	}
}

func TestForeignStartIsAdopted(t *testing.T) {
	w := skaldtest.New(t, shop(map[string]int{}), paysFor(nil))
	saga := skaldtest.Send(w, nil, ordered, Order{"teapot"})
	want(t, saga, skaldtest.Status{State: skaldtest.Completed})
	if saga.ID() == "" {
		t.Error("the saga that was begun has no ID")
	}
}

func TestEventOfNoSaga(t *testing.T) {
	w := skaldtest.New(t, paysFor(nil))
	one := skaldtest.Send(w, nil, charge, Charge{"teapot"})
	if got := skaldtest.Emitted(one, charged).Receipt; got != "receipt for a teapot" || one.ID() != "" {
		t.Errorf("%q of saga %q", got, one.ID())
	}
	want(t, one, skaldtest.Status{State: skaldtest.Sent, Topic: "charged"})
	w = skaldtest.New(t, paysFor(skald.Reject("no")))
	other := skaldtest.Send(w, nil, charge, Charge{"teapot"})
	want(t, other, skaldtest.Status{State: skaldtest.GaveUp, Service: "bank", Topic: "charge", Attempt: 1, Why: "no"})
	if letters := w.DeadLetters(); len(letters) != 1 || letters[0].Halted {
		t.Errorf("letters %+v", letters)
	}
}

type audit struct{ What string }

func TestOpenLoopEventsAndWatchers(t *testing.T) {
	const audited skald.Topic[audit] = "audited"
	var seen []string
	w := skaldtest.New(t,
		skald.NewService("bank", skald.Step(charge, charged, func(ctx context.Context, c Charge) (Charged, error) {
			return Charged{}, skald.Emit(ctx, audited, audit{"charged " + c.Item})
		}).Emits(audited)),
		skald.NewService("auditor", skald.Watch(audited, func(_ context.Context, a audit) error {
			seen = append(seen, a.What)
			return errors.New("the audit's disk is full")
		}).Retry(skald.NoRetry)))
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	want(t, saga, skaldtest.Status{State: skaldtest.Sent, Topic: "charged"})
	if got := skaldtest.Emitted(saga, audited); got.What != "charged teapot" || !slices.Equal(seen, []string{"charged teapot"}) {
		t.Errorf("emitted %+v, seen %q", got, seen)
	}
	if l := saga.DeadLetter(); l.Service != "auditor" || l.Halted {
		t.Errorf("letter %+v", l)
	}
}

func TestPanicAndTimeout(t *testing.T) {
	w := skaldtest.New(t, bank(func(string) (string, error) { panic("oh no") }))
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	if s := saga.Status(); s.State != skaldtest.Retrying || s.Why != "panic: oh no" {
		t.Errorf("the saga is %s", s)
	}
	synctest.Test(t, func(t *testing.T) { // where waiting takes no time
		slow := skald.NewService("bank", skald.Step(charge, charged, func(ctx context.Context, _ Charge) (Charged, error) {
			<-ctx.Done()
			return Charged{}, ctx.Err()
		}).Timeout(time.Hour).Retry(skald.NoRetry))
		w := skaldtest.New(t, slow)
		saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
		if l := saga.DeadLetter(); l.Class != "timeout" {
			t.Errorf("letter %+v, want one of class timeout", l)
		}
	})
}

func TestRunTwiceCallsCompensationsTwice(t *testing.T) {
	var keys []string
	note := func(ctx context.Context) {
		keys = append(keys, fmt.Sprint(skald.IdempotencyKey(ctx), " ", skald.Attempt(ctx)))
	}
	s := skald.NewService("bank", skald.Step(charge, charged, func(ctx context.Context, _ Charge) (Charged, error) {
		note(ctx)
		return Charged{}, skald.Reject("no")
	}).Compensate(func(ctx context.Context, _ Charge, _ *Charged) error {
		note(ctx)
		return nil
	}))
	w := skaldtest.New(t, s)
	w.RunTwice()
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	key := saga.ID() + "/bank/charge 1"
	if diff := cmp.Diff([]string{key, key, key, key}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// Two runs of the same test are the same, IDs included.
func TestDeterministic(t *testing.T) {
	run := func() (all []string) {
		w := skaldtest.New(t, shop(map[string]int{}), paysFor(errors.New("503")))
		for range 20 {
			skaldtest.Start(w, ordering, Order{"teapot"})
		}
		w.Advance(time.Hour)
		for _, l := range w.DeadLetters() {
			all = append(all, l.ID+" "+l.SagaID+" "+l.Time.String())
		}
		return all
	}
	first := run()
	if diff := cmp.Diff(first, run()); diff != "" || len(first) != 20 {
		t.Errorf("%d letters; two runs differ (-first +second):\n%s", len(first), diff)
	}
}

// recorder is a T that keeps what would end the test.
type recorder struct{ said []string }

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestMistakesOfTheTestAreExplained(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(t skaldtest.T)
		says []string
	}{
		"services that can't run": {func(t skaldtest.T) { skaldtest.New(t, paysFor(nil), paysFor(nil)) }, []string{`"bank" is given twice`}},
		"a service that isn't there": {func(t skaldtest.T) {
			w := skaldtest.New(t, paysFor(nil))
			w.Ask(skald.Cancel("shop", "0192d4e0-7b5a-7c3d-8e4f-5a6b7c8d9e0f", "no"))
		}, []string{`"shop"`, "give it to New, beside bank"}},
		"no saga ID":   {func(t skaldtest.T) { skaldtest.New(t, paysFor(nil)).Ask(skald.Cancel("bank", "x", "no")) }, []string{"no UUID"}},
		"back in time": {func(t skaldtest.T) { skaldtest.New(t, paysFor(nil)).Advance(-1) }, []string{"time doesn't go back"}},
		"nothing came out": {func(t skaldtest.T) {
			skaldtest.Emitted(skaldtest.Send(skaldtest.New(t, paysFor(errors.New("503"))), ordering, charge, Charge{}), charged)
		}, []string{`nothing to "charged"`, "retrying bank/charge", "503"}},
		"no dead letter": {func(t skaldtest.T) {
			skaldtest.Send(skaldtest.New(t, paysFor(nil)), ordering, charge, Charge{}).DeadLetter()
		}, []string{"no dead letter", "sent to charged"}},
		"another type": {func(t skaldtest.T) {
			w := skaldtest.New(t, paysFor(nil))
			skaldtest.Send(w, ordering, charge, Charge{"teapot"})
			skaldtest.Events(w, skald.Topic[struct{ Receipt int }]("charged"))
		}, []string{`at 0 of "charged"`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			test.do(r)
			if len(r.said) == 0 {
				t.Fatal("nothing was said")
			}
			for _, word := range test.says {
				if !strings.Contains(r.said[0], word) {
					t.Errorf("%q doesn't say %q", r.said[0], word)
				}
			}
		})
	}
}
