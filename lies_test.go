package skald_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// Headers of a saga that lie end in a dead letter or a blocked undo that says why. Nothing is undone that was not done, and others go on.
func TestLiesFromOutside(t *testing.T) { brokertest.Each(t, testLies) }

func testLies(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	b := newBook()
	start(t, cfg, b.services(plain, skald.NoRetry)...)
	client := newClient(t, cfg)
	victim := startFor(t, client, plain, "victim")
	expectOutcome(t, victim, wire.Completed, "")
	o := newOutside(t, cfg)

	saga := func(n int) string { return wire.SagaIDFor("lies", fmt.Sprint(n)) }
	slip := func(stops ...wire.Stop) string {
		t.Helper()
		route, err := wire.NewRoute(stops...)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range (&wire.Event{SagaID: saga(0), Route: route}).Headers() {
			if h.Key == wire.HeaderRoute {
				return string(h.Value)
			}
		}
		t.Fatal("no slip")
		return ""
	}
	home := wire.Stop{Service: "provisioner", Topic: "new-user", In: []byte(`{"Name":"liar"}`)}
	endless := "1;" + strings.Repeat("1:s,1:t,0:,0:,0:,", 1000)
	for i, lie := range []struct {
		what    string
		headers []string
		wantErr string
	}{
		{"a hop of -1", []string{"ce_hop", "-1"}, `ce_hop: "-1" is no whole number`},
		{"a circle", []string{"ce_hop", "10400"}, "it goes round in a circle"},
		{"an endless slip", []string{"ce_hop", "9999", "ce_route", endless}, "ce_route: "},
		{"a slip longer than the way", []string{"ce_hop", "1", "ce_route", slip(home, home)}, "the routing slip has 2 steps, but the saga has made 1 hops"},
		{"a slip that is none", []string{"ce_hop", "1", "ce_route", "undo everything"}, "no routing slip"},
	} {
		o.send("authorize", saga(i), `{"Name":"liar"}`, append([]string{"ce_sagaid", saga(i), "ce_workflow", "onboarding", "ce_id", wire.RecordID("lie", 0, int64(i)), "ce_source", "/liar"}, lie.headers...)...)
		l := letters(t, client, i+1)
		found := false
		for _, l := range l {
			found = found || l.SagaID == saga(i) && strings.Contains(l.Error, lie.wantErr) && l.Class == wire.ClassPoison && l.Halted
		}
		if !found {
			t.Errorf("%s: no such dead letter among %+v", lie.what, l)
		}
	}
	o.send("authorize", "no UUID", `{"Name":"liar"}`, "ce_sagaid", "no UUID", "ce_hop", "1")
	if all := letters(t, client, 6); !strings.Contains(fmt.Sprint(all), "is no UUID") {
		t.Errorf("no letter says that the saga ID is none")
	}

	// Undos that nobody has asked for. The first two name steps that never ran in their saga, or another saga's effect.
	undo := func(i int, hop int, stops ...wire.Stop) {
		t.Helper()
		e := &wire.Event{
			ID: wire.EventID(saga(i), "liar", "undo", i), Source: "/liar", Type: wire.UndoType, SagaID: saga(i), Workflow: "onboarding", Hop: hop,
			Payload: wire.Turn{Outcome: wire.Rejected, Reason: "a lie"}.Encode(),
		}
		e.Route, _ = wire.NewRoute(stops...)
		r := &kgo.Record{Topic: cfg.Prefix + "skald.authorizer.inbox", Key: []byte(e.SagaID), Value: e.Payload}
		for _, h := range e.Headers() {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		if err := o.client.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	grant := wire.Stop{Service: "authorizer", Topic: "authorize", In: []byte(`{"Name":"victim"}`), Out: []byte(`{"Name":"victim","Grant":"vpn"}`)}
	stolen := grant
	stolen.Effect = victim.ID()
	strange := grant
	strange.Topic = "never-was"
	undo(10, 2, home, grant)
	undo(11, 2, home, stolen)
	undo(12, 2, home, strange)
	undo(13, 2, grant)
	undo(14, 1, home, grant)
	undo(15, 2, wire.Stop{Service: "nobody", Topic: "x"}, grant)
	want := map[string]string{
		saga(11): "which isn't this saga", saga(12): `has no step on topic "never-was"`, saga(13): "it doesn't lead home",
		saga(14): "has 2 steps, but the saga has made 1 hops", saga(15): "the broker refuses the event",
	}
	o.read("skald.authorizer.ledger", func(all []received, _ bool) bool {
		for _, r := range all {
			l, err := wire.DecodeLedgerRecord(r.Payload)
			if err == nil && l.State == wire.StateBlocked && want[l.Saga] != "" && strings.Contains(l.Error, want[l.Saga]) {
				delete(want, l.Saga)
			}
		}
		return len(want) == 0
	}, "five blocked undos")
	o.read("skald.provisioner.ledger", func(all []received, _ bool) bool {
		for id, reason := range notesIn(t, all) {
			if id != "" && reason == "late: the saga is not open here" {
				return true
			}
		}
		return false
	}, "a note on the undo of a saga that isn't open")
	b.expect(t, "victim", "do assign", "do grant", "do mail", "do complete")
	after := startFor(t, client, plain, "after")
	expectOutcome(t, after, wire.Completed, "")
}
