package skaldtest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/skaldtest"
)

// A shop takes orders; a bank charges them; the shop ends the saga.
type (
	Order   struct{ Item string }
	Charge  struct{ Item string }
	Charged struct{ Receipt string }
)

const (
	ordered skald.Topic[Order]   = "ordered"
	charge  skald.Topic[Charge]  = "charge"
	charged skald.Topic[Charged] = "charged"
)

var ordering = skald.NewWorkflow("ordering", ordered, charged).Deadline(time.Hour, skald.Expire)

// shop reserves what is ordered, and gives it back when the saga is undone.
func shop(reserved map[string]int) *skald.Service {
	return skald.NewService("shop",
		skald.Begin(ordering, charge, func(_ context.Context, o Order) (Charge, error) {
			reserved[o.Item]++
			return Charge(o), nil
		}).Compensate(func(_ context.Context, o Order, _ *Charge) error {
			reserved[o.Item]--
			return nil
		}),
		skald.End(ordering, func(context.Context, Charged) error { return nil }))
}

// bank calls pay.
func bank(pay func(item string) (receipt string, err error)) *skald.Service {
	return skald.NewService("bank", skald.Step(charge, charged, func(_ context.Context, c Charge) (Charged, error) {
		receipt, err := pay(c.Item)
		return Charged{receipt}, err
	}))
}

// t is the *testing.T that a test has.
var t failing

type failing struct{}

func (failing) Helper()                           {}
func (failing) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// A whole workflow, run in memory.
func Example() {
	reserved := map[string]int{}
	w := skaldtest.New(t, shop(reserved), bank(func(item string) (string, error) {
		if item == "yacht" {
			return "", skald.Reject("not enough money for a yacht")
		}
		return "receipt for a " + item, nil
	}))

	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	fmt.Println(saga.Status())
	fmt.Println(skaldtest.Emitted(saga, charged).Receipt)

	saga = skaldtest.Start(w, ordering, Order{"yacht"})
	fmt.Println(saga.Status())
	fmt.Println("undone:", saga.Undone())
	fmt.Println("reserved:", reserved)
	// Output:
	// completed
	// receipt for a teapot
	// rejected: not enough money for a yacht
	// undone: [shop/ordered]
	// reserved: map[teapot:1 yacht:0]
}

// One service alone: its event comes from Send, and what it puts out stays where it is. Attempts come as the clock is advanced.
func ExampleSend() {
	down := true
	w := skaldtest.New(t, bank(func(item string) (string, error) {
		if down {
			return "", errors.New("the bank's server said 503")
		}
		return "receipt for a " + item, nil
	}))
	saga := skaldtest.Send(w, ordering, charge, Charge{"teapot"})
	fmt.Println(saga.Status())
	w.Advance(time.Second)
	fmt.Println(saga.Status())
	down = false
	w.Advance(saga.Status().In)
	fmt.Println(saga.Status())
	// Output:
	// retrying bank/charge in 1s, after attempt 1: the bank's server said 503
	// retrying bank/charge in 2s, after attempt 2: the bank's server said 503
	// sent to charged
}

// An event that can't be handled becomes a dead letter, and its saga is halted until somebody decides.
func ExampleWorld_Ask() {
	broken := true
	w := skaldtest.New(t, shop(map[string]int{}), bank(func(item string) (string, error) {
		if broken {
			return "", skald.Poison(errors.New("no such item"))
		}
		return "receipt for a " + item, nil
	}))
	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	fmt.Println(saga.Status())

	broken = false
	letter := saga.DeadLetter()
	fmt.Println(letter.Class, "in", letter.Service)
	fmt.Println(w.Ask(skald.Redrive(letter, "the catalogue is mended")).Text)
	fmt.Println(saga.Status())
	fmt.Println(w.Ask(skald.Cancel("shop", saga.ID(), "too late")).Text)
	// Output:
	// halted bank/charge, after attempt 1: no such item
	// poison in bank
	// redriven, for the first time
	// completed
	// the saga has ended: its outcome is decided
}

// A deadline passes when the clock is advanced that far. RunTwice shows an effect that isn't keyed by skald.IdempotencyKey.
func ExampleWorld_RunTwice() {
	reserved := map[string]int{}
	w := skaldtest.New(t, shop(reserved))
	w.RunTwice()
	saga := skaldtest.Start(w, ordering, Order{"teapot"})
	fmt.Println("reserved:", reserved["teapot"])
	fmt.Println(saga.Status())

	fmt.Println(saga.ID() != "", len(skaldtest.Events(w, charge)))
	// Output:
	// reserved: 2
	// sent to charge
	// true 1
}
