package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// slotted is a configuration with a slot. Its session timeout is so long that no partition changes hands by it within a test, and its
// transactions are open for as long unless somebody aborts them.
func (w *world) slotted(slot, instance string) engine.Config {
	cfg := w.config()
	cfg.Slot, cfg.Instance, cfg.SessionTimeout, cfg.TransactionTimeout = slot, instance, 10*time.Minute, 10*time.Minute
	return cfg
}

// A restart costs no rebalance: the other member doesn't even notice.
func TestRestartOfASlotCostsNoRebalance(t *testing.T) { brokertest.Each(t, testRestartOfASlot) }

func testRestartOfASlot(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "in", "out")
	proxy := newProxy(t, b)
	other := w.slotted("b", "other")
	other.Connection.Brokers = []string{proxy.addr()}
	first := w.run(w.slotted("a", "first"), newHandlers().worker())
	w.members("worker", 1)
	w.run(other, newHandlers().worker())
	w.members("worker", 2)
	sagas := w.starts("in", 40)
	w.await("out", len(sagas))
	first.stop()
	proxy.forget()
	sagas = append(sagas, w.moreStarts("in", 40, 80)...)
	w.await("out", 50) // the other goes on meanwhile
	began := time.Now()
	again := w.slotted("a", "again")
	w.run(again, newHandlers().worker())
	w.await("out", len(sagas))
	t.Logf("%s: all partitions were served %v after the restart", b.Name, time.Since(began))
	w.expectOnce("out", sagas)
	// The embedded broker does without a rebalance only if the joining member's metadata is the same to the letter.
	if joins := proxy.count(brokertest.OfClient("other", kmsg.JoinGroup)); joins > 0 && !b.Embedded {
		t.Errorf("the other member joined anew %d times", joins)
	}
}

// A slot that won't come back is taken out of the group, and the others have its partitions at once.
func TestScaleDownOfSlots(t *testing.T) { brokertest.Each(t, testScaleDown) }

func testScaleDown(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "in", "out")
	w.run(w.slotted("0", "zero"), newHandlers().worker())
	w.members("worker", 1)
	one := w.run(w.slotted("1", "one"), newHandlers().worker())
	w.members("worker", 2)
	sagas := w.starts("in", 40)
	w.await("out", len(sagas))
	one.stop()
	w.members("worker", 2)
	ctx, cancel := testContext(t)
	defer cancel()
	absent, err := engine.Leave(ctx, w.client, w.ns, "worker", "1", "7")
	if err != nil || fmt.Sprint(absent) != "[7]" {
		t.Fatalf("absent %v, error %v, want [7] and none", absent, err)
	}
	w.members("worker", 1)
	sagas = append(sagas, w.moreStarts("in", 40, 80)...)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	// One that still runs joins again.
	if absent, err := engine.Leave(ctx, w.client, w.ns, "worker", "0"); err != nil || len(absent) > 0 {
		t.Fatalf("absent %v, error %v, want none", absent, err)
	}
	sagas = append(sagas, w.moreStarts("in", 80, 120)...)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	for _, nobody := range []string{"worker", "never heard of"} {
		if absent, err := engine.Leave(ctx, w.client, w.ns, nobody, "1"); err != nil || fmt.Sprint(absent) != "[1]" {
			t.Errorf("%s, a second time: absent %v, error %v, want [1] and none", nobody, absent, err)
		}
	}
}

// The first of two processes on a slot ends with an error that says what happened; the second goes on, and nothing happens twice.
func TestTakenSlot(t *testing.T) { brokertest.Each(t, testTakenSlot) }

func testTakenSlot(t *testing.T, b brokertest.Broker) {
	for _, busy := range []bool{false, true} {
		t.Run(fmt.Sprintf("busy %v", busy), func(t *testing.T) {
			t.Parallel()
			b := b
			b.Prefix += fmt.Sprint(busy, ".")
			w := newWorld(t, b, 2, "in", "out")
			first := w.run(w.slotted("2", "first"), newHandlers().worker())
			w.members("worker", 1)
			w.starts("in", 40)
			w.await("out", 40)
			sent := 40
			if busy { // so that it is the transactions by which the first hears of it
				var stop atomic.Bool
				done := make(chan struct{})
				go func() {
					defer close(done)
					for ; !stop.Load() && sent < 50_000; sent += 20 {
						w.moreStarts("in", sent, sent+20)
					}
				}()
				defer func() { <-done }()
				defer stop.Store(true)
				w.run(w.slotted("2", "second"), newHandlers().worker())
				expectTaken(t, first, "first")
				stop.Store(true)
				<-done
			} else {
				w.run(w.slotted("2", "second"), newHandlers().worker())
				expectTaken(t, first, "first")
			}
			sagas := w.moreStarts("in", sent, sent+20)
			w.await("out", sent+20)
			for i := range sent {
				sagas = append(sagas, sagaID(i))
			}
			w.expectOnce("out", sagas)
		})
	}
}

func expectTaken(t *testing.T, p *process, instance string) {
	t.Helper()
	err := p.wait()
	if err == nil {
		t.Fatal("Run of the first returned no error")
	}
	for _, part := range []string{`"worker"`, `slot "2"`, "another process", "give it another slot", instance} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error doesn't say %s: %v", part, err)
		}
	}
}

// A zombie on a slot: it was cut off, another has its slot and has done its work. When it is heard again, it changes nothing, and ends.
func TestZombieOnASlot(t *testing.T) { brokertest.Each(t, testZombieOnSlot) }

func testZombieOnSlot(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out")
	proxy := newProxy(t, b)
	zombie, open := newHandlers(), make(chan struct{})
	zombie.gate = func(string, *wire.Event) <-chan struct{} { return open }
	cfg := w.slotted("2", "zombie")
	cfg.Connection.Brokers = []string{proxy.addr()}
	first := w.run(cfg, zombie.worker())
	sagas := w.starts("in", 20)
	zombie.await(t, "the zombie's handlers", func() bool { return len(zombie.calls) == len(sagas) })
	w.awaitLedger("worker", "parked work", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpPut, wire.KindWork) == len(sagas) })
	proxy.Hold()
	second := newHandlers()
	w.run(w.slotted("2", "second"), second.worker())
	w.await("out", len(sagas))
	close(open)
	proxy.Release()
	expectTaken(t, first, "zombie")
	sagas = append(sagas, w.moreStarts("in", 20, 40)...)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	second.expectOneCallEach(t, len(sagas))
}

// Slots are a service's own: two services on the same one don't know of each other.
func TestTwoServicesOnOneSlotNumber(t *testing.T) { brokertest.Each(t, testTwoServices) }

func testTwoServices(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "middle", "out")
	a, z := newHandlers(), newHandlers()
	cfg := w.slotted("0", "one")
	registry := prometheus.NewRegistry()
	cfg.Metrics = registry
	w.run(cfg, engine.Service{Name: "a", Steps: []engine.Step{a.step("in", "middle")}})
	w.run(cfg, engine.Service{Name: "z", Steps: []engine.Step{z.step("middle", "out")}})
	w.members("a", 1)
	w.members("z", 1)
	for i := range 3 {
		w.moreStarts("in", i*20, i*20+20)
		w.await("out", i*20+20)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != "skald_sessions_rebuilt_total" {
				continue
			}
			if found++; m.GetCounter().GetValue() > 0 {
				t.Errorf("a service joined anew: %v", m)
			}
		}
	}
	if found != 2 {
		t.Errorf("found %d counters, want 2", found)
	}
}

// A roll, slot by slot, to a version that reads one topic more: though static members are given what they had, all of the new topic is
// read at the end.
func TestRollOfSlotsToOneMoreTopic(t *testing.T) { brokertest.Each(t, testRoll) }

func testRoll(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 6, "in", "new", "out")
	slots := []string{"0", "1", "2"}
	var running []*process
	for i, slot := range slots {
		running = append(running, w.run(w.slotted(slot, "old-"+slot), newHandlers().worker()))
		w.members("worker", i+1)
	}
	sagas := w.starts("in", 60)
	w.await("out", len(sagas))
	// The first that joined is the leader. It comes first, so that the others aren't noticed by it.
	for i, slot := range slots {
		running[i].stop()
		h := newHandlers()
		service := h.worker()
		service.Steps = append(service.Steps, h.step("new", "out"))
		w.run(w.slotted(slot, "new-"+slot), service)
		sagas = append(sagas, w.moreStarts("in", 60+i*20, 80+i*20)...)
		w.await("out", len(sagas))
	}
	var records []*kgo.Record
	for i := 200; i < 260; i++ {
		sagas = append(sagas, sagaID(i))
		records = append(records, w.record("new", eventOf(sagaID(i), "new", 0)))
	}
	w.send(records...)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
	w.members("worker", 3)
}

// A member joins while a slot's process is away, the group's leader at that. The group waits for it no longer than the rebalance timeout; on Apache
// Kafka it keeps partitions for the slot, and all goes on when the process is back.
func TestRebalanceWhileASlotIsAway(t *testing.T) { brokertest.Each(t, testRebalanceWhileAway) }

func testRebalanceWhileAway(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 6, "in", "out")
	leader := w.run(w.slotted("a", "leader"), newHandlers().worker())
	w.members("worker", 1)
	w.run(w.slotted("b", "second"), newHandlers().worker())
	w.members("worker", 2)
	sagas := w.starts("in", 60)
	w.await("out", len(sagas))
	leader.stop()
	w.run(w.slotted("c", "third"), newHandlers().worker())
	began := time.Now()
	sagas = append(sagas, w.moreStarts("in", 60, 120)...)
	if b.Embedded { // which gives an absent member's partitions away
		w.await("out", len(sagas))
	} else {
		// The slot that is away keeps its partitions, and sagas wait there. The new member's have moved from the others.
		w.until("a member more, and a stable group", func(ctx context.Context) bool {
			described, err := kadm.NewClient(w.client).DescribeGroups(ctx, w.ns.Group("worker"))
			g := described[w.ns.Group("worker")]
			return err == nil && g.State == "Stable" && len(g.Members) == 3
		})
	}
	t.Logf("%s: the group was stable %v after the third joined", b.Name, time.Since(began))
	w.run(w.slotted("a", "back"), newHandlers().worker())
	w.members("worker", 3)
	w.await("out", len(sagas))
	w.expectOnce("out", sagas)
}

func TestSessionTimeoutThatBrokersRefuse(t *testing.T) { brokertest.Each(t, testSessionTimeout) }

func testSessionTimeout(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	cfg := w.config()
	cfg.SessionTimeout = 31 * time.Minute
	if err := w.run(cfg, newHandlers().worker()).wait(); err == nil || !strings.Contains(err.Error(), "session timeout of 31m0s") {
		t.Errorf("error %v, want one about the session timeout", err)
	}
}
