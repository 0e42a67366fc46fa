package skald_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// laggingChain is the chain with handlers that take up to 60 ms, so that most are parked and sagas overtake one another.
func laggingChain() *chain {
	return &chain{calls: map[string]int{}, delay: func(string, string) time.Duration { return rand.N(60 * time.Millisecond) }}
}

// begun starts sagas and knows their IDs.
type begun struct {
	o      *outside
	client *skald.Client
	ids    map[string]bool
}

func (s *begun) start(n int) {
	s.o.t.Helper()
	for range n {
		saga, err := onboarding.Start(testContext(s.o.t), s.client, newUser{fmt.Sprint("user ", len(s.ids))}, skald.WithoutWait())
		if err != nil {
			s.o.t.Fatal(err)
		}
		s.ids[saga.ID()] = true
	}
}

// expectEachOnce fails unless each saga made each hop once, in order, each caused by the one before.
func (s *begun) expectEachOnce() {
	t := s.o.t
	t.Helper()
	before := map[string]string{} // the latest event's ID, by saga
	for hop, topic := range []string{"new-user", "authorize", "notify", "notified", "skald.outcomes"} {
		count := map[string]int{}
		for _, r := range s.o.all(topic) {
			if !s.ids[r.SagaID] {
				continue
			}
			count[r.SagaID]++
			if r.Hop != hop || r.CausationID != before[r.SagaID] {
				t.Errorf("%s: saga %s: hop %d caused by %q, want hop %d caused by %q", topic, r.SagaID, r.Hop, r.CausationID, hop, before[r.SagaID])
			}
			before[r.SagaID] = r.ID
		}
		for id := range s.ids {
			if count[id] != 1 {
				t.Errorf("%s: saga %s has %d records, want 1", topic, id, count[id])
			}
		}
	}
	if letters := s.o.all("skald.dlq"); len(letters) > 0 {
		t.Errorf("%d dead letters, the first: %v", len(letters), letters[0].headers)
	}
	for _, service := range []string{"provisioner", "authorizer", "notifier"} {
		live := map[string]bool{}
		for _, r := range s.o.all("skald." + service + ".ledger") {
			l, err := wire.DecodeLedgerRecord(r.Payload)
			switch {
			case err != nil:
				t.Fatal(err)
			case l.Op == wire.OpPut && l.Kind != wire.KindCheckpoint:
				live[l.Kind+l.ID] = true
			case l.Op == wire.OpDelete:
				delete(live, l.Kind+l.ID)
			}
		}
		if len(live) > 0 {
			t.Errorf("%d entries are left in the ledger of %s", len(live), service)
		}
	}
}

func newBegun(t *testing.T, cfg skald.Config) *begun {
	o := newOutside(t, cfg, "new-user", "authorize", "notify", "notified", "skald.outcomes")
	return &begun{o: o, client: newClient(t, cfg), ids: map[string]bool{}}
}

func TestInstancesJoinAndLeaveAmongSagas(t *testing.T) { brokertest.Each(t, testJoinAndLeave) }

func testJoinAndLeave(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	c := laggingChain()
	s := newBegun(t, cfg)
	instance := func(name string) (stop func()) {
		cfg.Instance = name
		return start(t, cfg, c.services()...)
	}
	stopOne := instance("one")
	s.start(250)
	s.o.await("skald.outcomes", 50)
	stopTwo := instance("two")
	s.start(250)
	s.o.await("skald.outcomes", 300)
	instance("three")
	s.start(250)
	s.o.await("skald.outcomes", 550)
	stopOne()
	s.start(250)
	s.o.await("skald.outcomes", 800)
	stopTwo()
	s.o.await("skald.outcomes", 1000)
	s.expectEachOnce()
}

func TestEachServiceStopsAndStartsAmongSagas(t *testing.T) { brokertest.Each(t, testStopAndStart) }

func testStopAndStart(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	cfg.DrainTimeout = 20 * time.Millisecond // some handlers are cut short
	c := laggingChain()
	s := newBegun(t, cfg)
	var stops []func()
	for _, service := range c.services() {
		stops = append(stops, start(t, cfg, service))
	}
	for i := range stops {
		s.start(200)
		s.o.await("skald.outcomes", len(s.ids)-150)
		stops[i]()
		s.start(100) // while it is down
		start(t, cfg, c.services()[i])
	}
	s.start(100)
	s.o.await("skald.outcomes", len(s.ids))
	s.expectEachOnce()
	if len(s.ids) != 1000 {
		t.Fatalf("%d sagas", len(s.ids))
	}
}
