package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/services/events"
)

func TestMain(m *testing.M) {
	code := brokertest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// sagasPerFault makes a run of 20,000 sagas one of some 80 faults, each followed by a rebalance.
const sagasPerFault = 250

func TestCrashesCostAndDoubleNothing(t *testing.T) {
	t.Parallel() // all of this room's long tests are, with clusters of their own: most of their time is waiting
	sagas := setting(t, "SKALD_CRASH_SAGAS", 2000)
	seed := setting(t, "SKALD_CRASH_SEED", int(rand.Int32()))
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, embeddedCluster(t), sagas, uint64(seed))
	})
	t.Run("apache", func(t *testing.T) {
		t.Parallel()
		c := brokertest.NewCluster(t, 3, brokertest.WithProperty("min.insync.replicas", "2"))
		test(t, cluster{addrs: c.Addrs(), apache: c}, sagas, uint64(seed))
	})
}

func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: a whole number from 1 is wanted", name, text)
	}
	return n
}

func test(t *testing.T, c cluster, sagas int, seed uint64) {
	t.Logf("SKALD_CRASH_SEED=%d SKALD_CRASH_SAGAS=%d", seed, sagas)
	began := time.Now()
	r := newRun(t, c, sagas, seed)
	r.play()
	r.settle()
	e := r.evidence()
	v := e.check()
	t.Logf("%d sagas over %s in %s: %d violations, %d repeated mails dropped by the mailbox, %d starts repeated by the client, %d retries\n%s",
		sagas, t.Name(), time.Since(began).Round(time.Second), v.total(), r.mails.Repeats(), r.repeatedStarts, len(e.retries), r.tally)
	for _, words := range v.words {
		t.Error(words)
	}
	for kind, n := range v.count {
		t.Errorf("%s: %d in all", kind, n)
	}
	if len(e.retries) == 0 {
		t.Error("nothing was tried again: nothing is proven about timers")
	}
	for _, kind := range r.kinds() {
		if r.tally.of(kind) == 0 {
			t.Errorf("%q didn't happen: nothing is proven about it", kind)
		}
	}
}

// play starts sagas while operators make faults, and returns when every saga has ended.
func (r *run) play() {
	var operators, starts sync.WaitGroup
	for _, s := range r.services {
		operators.Go(func() { s.operate() })
	}
	if r.cluster.apache != nil {
		operators.Go(r.troubleCluster)
	}
	calm := make(chan struct{}) // closed when the operators are done
	starts.Go(func() { r.startSagas(calm) })
	operators.Wait()
	close(calm)
	starts.Wait()
	r.mustGoOn()
}

// startSagas starts sagas in bursts, for as long as there are faults to make, and waits for all of them.
func (r *run) startSagas(calm <-chan struct{}) {
	const every = 50 * time.Millisecond
	var sagas sync.WaitGroup
	defer sagas.Wait()
	random := rand.New(rand.NewPCG(r.seed, 0))
	tick := time.NewTicker(every)
	defer tick.Stop()
	perTick := float64(r.sagas) / (r.expected.Seconds() / every.Seconds())
	due := 0.0
	for next := 0; next < r.sagas; {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return
		}
		due += random.Float64() * 2 * perTick
		if next >= r.allowance() {
			trickle := 0.2 // faults take longer than expected: enough for a trap to see its moment, and some are left for the rest
			if r.sagas-next <= r.sagas/20 {
				trickle = 0.02 // the last have to do until the operators have made up for what didn't happen
			}
			due = min(due, 1)
			if random.Float64() > trickle {
				due = 0
			}
		}
		select {
		case <-calm:
			due = float64(r.sagas)
		default:
		}
		for ; due >= 1 && next < r.sagas; due-- {
			i := next
			next++
			sagas.Go(func() { r.startSaga(i) })
		}
	}
}

// allowance is how many sagas may be started by now, so that there are some for each fault.
func (r *run) allowance() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sagas * 9 / 10 * (r.made + len(r.services)) / (r.faults * len(r.services))
}

// startSaga starts one and waits for its outcome. A start that failed is repeated under its idempotency key, as the documentation says.
func (r *run) startSaga(i int) {
	user := events.NewUser{
		Name: fmt.Sprintf("User %d", i), Email: fmt.Sprintf("u%d@example.com", i), Department: events.Departments[i%len(events.Departments)],
	}
	for {
		saga, err := events.Onboarding.Start(r.ctx, r.client, user, skald.WithIdempotencyKey(fmt.Sprint("crash-", i)))
		if r.ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		if err != nil {
			r.repeatedStarts++
		} else {
			r.started[user.Email] = saga.ID()
		}
		r.mu.Unlock()
		if err != nil {
			continue
		}
		outcome, err := saga.Wait(r.ctx)
		if err == nil && outcome.Outcome != "completed" {
			err = fmt.Errorf("saga %s: %v", saga.ID(), outcome)
		}
		if err != nil && r.ctx.Err() == nil {
			r.fail(err)
		}
		return
	}
}

// errTooLong is why a run is given up.
var errTooLong = errors.New("the run takes too long: a saga is lost, or a service stands still")

// fail ends the run. The first reason counts.
func (r *run) fail(err error) { r.cancel(err) }

func (r *run) mustGoOn() {
	r.t.Helper()
	if err := context.Cause(r.ctx); err != nil {
		r.t.Fatalf("%v\n%s\n%s", err, r.tally, r.unfinished())
	}
}
