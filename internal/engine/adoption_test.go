package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// wrong gives a partition in which a saga doesn't belong.
func (w *world) wrong(saga string) int32 { return (w.partition(saga) + 1) % w.n }

func TestForeignStartsAreAdopted(t *testing.T) { brokertest.Each(t, testAdoption) }

func testAdoption(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "start", "middle", "end")
	h := newHandlers()
	service := everything(h)
	service.Steps[0].Subject = func(e *wire.Event) string { return "subject of " + string(e.Payload) }
	w.run(w.config(), service)
	topic := w.ns.Topic("start")
	identified := func(id string, partition int32) *kgo.Record {
		return with(with(&kgo.Record{Topic: topic, Partition: partition, Value: []byte(`"identified"`)}, "ce_id", id), "ce_source", "/crm")
	}
	given := sagaID("given by its producer")
	byRdkafka := w.record("start", eventOf(given, "given", 0))
	byRdkafka.Partition = w.wrong(given)
	w.send(
		&kgo.Record{Topic: topic, Partition: 0, Value: []byte(`"no headers, no key"`)},
		with(&kgo.Record{Topic: topic, Partition: 1, Key: []byte("ada@example.com"), Value: []byte(`"a key"`)}, "tenant", "acme"),
		&kgo.Record{Topic: topic, Partition: 1, Key: []byte("ada@example.com"), Value: []byte(`"a key"`)}, // another: it doesn't say that it is the same
		identified("7", 2), identified("7", 2), identified("7", 3), identified("8", 3),
		byRdkafka,
	)
	ids := []string{wire.AdoptedSagaID("w", "/crm", "7"), wire.AdoptedSagaID("w", "/crm", "8"), given}
	const sagas = 6
	w.await("skald.outcomes", sagas)
	w.send(identified("7", 0)) // after its end, too
	w.awaitLedger("initiator", "notes of three repeats", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpNote, "") == 3 })

	seen := map[string]int{}
	for _, r := range w.read("skald.outcomes") {
		seen[string(r.Key)]++
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("saga %s has %d outcomes, want 1", id, seen[id])
		}
	}
	if len(seen) != sagas {
		t.Errorf("%d sagas, want %d", len(seen), sagas)
	}
	tenants := 0
	for _, r := range w.read("skald.initiator.inbox") {
		if header(r, "tenant") == "acme" {
			tenants++
		}
	}
	if tenants != 1 {
		t.Errorf("%d records in the inbox have the producer's own header, want 1", tenants)
	}
	for _, r := range w.read("middle") {
		e, err := wire.Parse(headersOf(r), r.Value)
		if err != nil || e.Subject != "subject of "+string(r.Value) || e.Hop != 1 || r.Partition != w.partition(e.SagaID) || string(r.Key) != e.SagaID {
			t.Errorf("event on middle: %+v, %v", wireHeaders(r), err)
		}
		if string(r.Value) == `"a key"` && e.PartitionKey != "ada@example.com" {
			t.Errorf("the producer's key is lost: ce_partitionkey is %q", e.PartitionKey)
		}
	}
	h.expectOneCallEach(t, 3*sagas)
}

func headersOf(r *kgo.Record) []wire.Header {
	var all []wire.Header
	for _, h := range r.Headers {
		all = append(all, wire.Header{Key: h.Key, Value: h.Value})
	}
	return all
}

func TestMisplacedRecordsAreForwarded(t *testing.T) { brokertest.Each(t, testMisplaced) }

func testMisplaced(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 4, "start", "middle", "elsewhere", "end")
	h := newHandlers()
	service := h.initiator("elsewhere") // the middle is another client's business here
	service.Steps = append(service.Steps, h.step("middle", "end"))
	w.run(w.config(), service)
	sagas := w.starts("start", 20)
	w.await("elsewhere", len(sagas))
	for i, saga := range sagas {
		r := w.record("middle", eventOf(saga, "middle", 2))
		if i%2 == 0 { // a client that says no more than whose it is
			r.Headers = []kgo.RecordHeader{{Key: "ce_sagaid", Value: []byte(saga)}, {Key: "ce_workflow", Value: []byte("w")}}
		}
		r.Partition = w.wrong(saga)
		w.send(r)
	}
	w.await("skald.outcomes", len(sagas))
	w.expectOnce("end", sagas)
	w.expectOnce("skald.outcomes", sagas)
	h.expectOneCallEach(t, 3*len(sagas))
}

func TestRepeatedStartBeginsOneSaga(t *testing.T) { brokertest.Each(t, testRepeatedStart) }

func testRepeatedStart(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "start", "middle", "end")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(topic string, _ *wire.Event) <-chan struct{} {
		if topic == "start" {
			return open
		}
		return nil
	}
	saga := sagaID("the same key")
	start := func() *kgo.Record { return w.record("start", eventOf(saga, "start", 0)) }
	other := func() *kgo.Record { // by another client: another event, the same saga
		return w.record("start", &wire.Event{ID: fmt.Sprint(time.Now().UnixNano()), Source: "/other", SagaID: saga, Payload: []byte(`"again"`)})
	}
	notes := func(n int) func([]wire.LedgerRecord) bool {
		return func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpNote, "") == n }
	}
	w.send(start(), start(), other()) // in one batch
	p := w.run(w.config(), everything(h))
	h.await(t, "the handler", func() bool { return len(h.calls) == 1 })
	w.awaitLedger("initiator", "two notes", notes(2))
	w.send(start(), other()) // while it is under way
	w.awaitLedger("initiator", "four notes", notes(4))
	close(open)
	w.await("skald.outcomes", 1)
	w.send(start()) // after its end
	w.awaitLedger("initiator", "five notes", notes(5))
	p.stop()
	w.send(other()) // after a restart
	w.run(w.config(), everything(h))
	w.awaitLedger("initiator", "six notes", notes(6))
	w.expectOnce("middle", []string{saga})
	w.expectOnce("skald.outcomes", []string{saga})
	h.expectOneCallEach(t, 3)
}

// IDs ought to be unique. A client's that aren't must cost no other saga its event.
func TestOneEventIDForTwoSagas(t *testing.T) {
	for _, slow := range []bool{false, true} {
		for _, fails := range []bool{false, true} {
			t.Run(fmt.Sprintf("slow=%v/fails=%v", slow, fails), func(t *testing.T) { testOneID(t, slow, fails) })
		}
	}
}

func testOneID(t *testing.T, slow, fails bool) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out", "also")
	h := newHandlers()
	open := make(chan struct{})
	if slow {
		h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	}
	service := h.worker()
	service.Steps = append(service.Steps, h.step("also", "out"))
	if fails {
		for i := range service.Steps {
			handle := service.Steps[i].Handle
			service.Steps[i].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
				if _, err := handle(ctx, e); err != nil {
					return nil, err
				}
				return nil, errTest
			}
		}
	}
	same := "0b1f6d1e-3a1c-4b5e-9f57-0a8f3c3f0001"
	of := func(topic, saga string) *kgo.Record {
		return with(w.record(topic, eventOf(sagaID(saga), saga, 1)), "ce_id", same)
	}
	w.send(of("in", "a"), of("in", "b"), with(of("in", "c"), "ce_hop", "-1"), of("in", "a")) // in one batch; the last is a repeat
	w.run(w.config(), service)
	w.awaitLedger("worker", "the note of the repeat", func(all []wire.LedgerRecord) bool { return countLedger(all, wire.OpNote, "") == 1 })
	want := map[string]int{"poison": 2} // b's and the one that lies
	if slow || fails {
		w.send(of("also", "a")) // the ID is still taken: by work, or by a halted entry
		want["poison"]++
		w.await("skald.dlq", 3)
	}
	close(open)
	if fails {
		want["failed"] = 1
		w.await("skald.dlq", want["poison"]+1)
	} else {
		w.await("out", 1)
	}
	got := map[string]int{}
	for _, r := range w.read("skald.dlq") {
		got[header(r, "dlq-class")]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters by class (-want +got):\n%s", diff)
	}
}
