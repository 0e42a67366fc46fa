package crashtest

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/brokertest"
)

// outage makes the brokers go away, and come back.
type outage struct {
	name     string
	goAway   func() error
	comeBack func() error
}

// A broker that doesn't answer for a while, or that is gone, costs that time and no saga: not those on their way, and not those that
// are started meanwhile. SKALD_TEST_OUTAGE is how long; the default is beyond the timeouts of sessions (6 s), transactions (10 s) and
// single requests.
func TestABrokerThatIsAwayCostsTimeOnly(t *testing.T) {
	t.Parallel()
	length := 12 * time.Second
	if text := os.Getenv("SKALD_TEST_OUTAGE"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		front, err := newProxy(embeddedCluster(t).addrs) // the broker's data is in memory: only the way to it can go
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := front.Close(); err != nil {
				t.Error(err)
			}
		})
		without := func(do func()) func() error {
			return func() error {
				do()
				return nil
			}
		}
		testOutages(t, cluster{addrs: []string{front.addrs()}}, length,
			outage{"frozen", without(front.Hold), without(front.Release)}, outage{"gone", without(front.Leave), without(front.ComeBack)})
	})
	t.Run("apache", func(t *testing.T) {
		t.Parallel()
		c := brokertest.NewCluster(t, 1)
		node := c.Nodes[0]
		testOutages(t, cluster{addrs: c.Addrs()}, length, outage{"frozen", node.Freeze, node.Thaw},
			outage{"gone", func() error { node.Kill(); return nil }, node.Start})
	})
}

func testOutages(t *testing.T, c cluster, length time.Duration, outages ...outage) {
	r := newRun(t, c, maxOutageSagas, rand.Uint64())
	ctx, calm := context.WithCancel(r.ctx)
	var sagas sync.WaitGroup
	sagas.Go(func() { // a steady stream, before, in and after the outages
		const every = 50 * time.Millisecond
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := range maxOutageSagas {
			select {
			case <-tick.C:
				sagas.Go(func() { r.startSaga(i) })
			case <-ctx.Done():
				return
			}
		}
	})
	for _, o := range outages {
		r.wait(outageBetween)
		if err := o.goAway(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		r.wait(length)
		if err := o.comeBack(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s for %s", o.name, time.Since(began).Round(time.Millisecond))
	}
	r.wait(outageBetween)
	calm()
	sagas.Wait()
	r.mustGoOn()
	r.sagas = len(r.started)
	r.settle()
	v := r.evidence().check()
	t.Logf("%d sagas, %d violations, %d starts repeated by the client", r.sagas, v.total(), r.repeatedStarts)
	if r.repeatedStarts > 0 {
		t.Errorf("%d starts failed, although they had the time to wait", r.repeatedStarts)
	}
	for _, words := range v.words {
		t.Error(words)
	}
}

const (
	maxOutageSagas = 10_000
	outageBetween  = 3 * time.Second // of sagas with the broker there
)

// wait lets time pass.
func (r *run) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.ctx.Done():
	}
}
