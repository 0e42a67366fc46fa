package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// soundStorm is what a storm without any fault would leave of four sagas: one completed, one rejected at the authorizer, one
// cancelled when it came home, one halted at the notifier.
func soundStorm() (*evidence, *cast) {
	e := soundEvidence(4)
	e.rolled = false
	c := &cast{denied: map[string]bool{"saga-1": true}, cancelled: map[string]bool{"saga-2": true}, left: map[string]bool{"saga-3": true}}
	e.end(1, "rejected", "notify", "notified")
	e.end(2, "cancelled")
	e.drop("saga-3", "notified", "skald.outcomes")
	e.completions = slices.Delete(e.completions, 1, 4)
	e.mails = []string{"mail-0", "mail-2"}
	e.records["skald.dlq"] = []record{{key: "saga-3", headers: map[string]string{"ce_sagaid": "saga-3", "ce_id": "notify of saga-3"}}}
	l := &e.ledgers[0]
	l.end = 16
	l.records = append(l.records,
		record{offset: 14, value: []byte(`{"op":"put","kind":"work","id":"c","saga":"saga-3"}`)},
		record{offset: 15, value: []byte(`{"op":"put","kind":"halted","id":"c","saga":"saga-3"}`)})
	return e, c
}

// end turns a saga round that has completed, after some topics.
func (e *evidence) end(n int, outcome string, never ...string) {
	saga := fmt.Sprint("saga-", n)
	e.drop(saga, never...)
	cause := ""
	for i, service := range []string{"authorizer", "provisioner"} {
		inbox, id := "skald."+service+".inbox", "undo "+service+" of "+saga
		e.records[inbox] = append(e.records[inbox], record{topic: inbox, key: saga, headers: map[string]string{
			"ce_type": "skald.undo", "ce_sagaid": saga, "ce_id": id, "ce_causationid": cause, "ce_hop": fmt.Sprint(3 + i),
		}})
		cause = id
	}
	for i, r := range e.records["skald.outcomes"] {
		if r.key == saga {
			r.headers["ce_causationid"] = cause
			e.records["skald.outcomes"][i].value = []byte(`{"outcome":"` + outcome + `","undone":["authorizer","provisioner"]}`)
		}
	}
	keys := []string{saga + "/provisioner/new-user", saga + "/authorizer/authorize"}
	e.devices = slices.DeleteFunc(e.devices, func(d device) bool { return d.assignment == keys[0] })
	e.grants = slices.DeleteFunc(e.grants, func(g grant) bool { return g.key == keys[1] })
	e.undone = append(e.undone, keys...)
	e.assigned, e.returned, e.inStock = e.assigned-1, e.returned+1, e.inStock+1
}

func (e *evidence) drop(saga string, topics ...string) {
	for _, topic := range topics {
		e.records[topic] = slices.DeleteFunc(e.records[topic], func(r record) bool { return r.key == saga })
	}
}

func TestTheStormCheckFindsEachFault(t *testing.T) {
	e, c := soundStorm()
	if v := e.checkStorm(c); v.total() > 0 {
		t.Fatalf("sound evidence is found at fault: %v", v.words)
	}
	for name, mutant := range map[string]struct {
		kind   string
		mutate func(*evidence, *cast)
	}{
		"a saga without outcome":       {"outcomes", func(e *evidence, _ *cast) { e.drop("saga-0", "skald.outcomes") }},
		"a halted saga with outcome":   {"outcomes", func(_ *evidence, c *cast) { c.left["saga-0"] = true }},
		"halted without a letter":      {"letters", func(e *evidence, _ *cast) { e.records["skald.dlq"] = nil }},
		"denied and completed":         {"outcome", func(_ *evidence, c *cast) { c.denied["saga-0"] = true }},
		"cancelled though refused":     {"outcome", func(_ *evidence, c *cast) { c.cancelled["saga-2"] = false }},
		"rejected though entitled":     {"outcome", func(_ *evidence, c *cast) { c.denied["saga-1"] = false }},
		"completed without its hops":   {"hop lost", func(e *evidence, _ *cast) { e.drop("saga-0", "notified") }},
		"a start lost":                 {"hop lost", func(e *evidence, _ *cast) { e.drop("saga-2", "new-user") }},
		"an undo skipped":              {"undo", func(e *evidence, _ *cast) { e.drop("saga-1", "skald.authorizer.inbox") }},
		"an undo twice":                {"undo", func(e *evidence, _ *cast) { e.again("ce_id", "x") }},
		"an undo written twice":        {"event ID twice", func(e *evidence, _ *cast) { e.again("ce_hop", "3") }},
		"undone though completed":      {"undo", func(e *evidence, _ *cast) { e.again("ce_sagaid", "saga-0") }},
		"an undo of nobody":            {"unknown saga", func(e *evidence, _ *cast) { e.again("ce_sagaid", "x") }},
		"undone in the wrong order":    {"undo", func(e *evidence, _ *cast) { e.records["skald.authorizer.inbox"][0].headers["ce_hop"] = "9" }},
		"an undo without its cause":    {"undo", func(e *evidence, _ *cast) { e.records["skald.provisioner.inbox"][0].headers["ce_causationid"] = "x" }},
		"an outcome before its undo":   {"undo", func(e *evidence, _ *cast) { e.records["skald.outcomes"][1].headers["ce_causationid"] = "x" }},
		"an outcome that tells less":   {"undone", func(e *evidence, _ *cast) { e.records["skald.outcomes"][1].value = []byte(`{"outcome":"rejected"}`) }},
		"a device kept":                {"device", func(e *evidence, _ *cast) { e.devices[1].assignment = "saga-1/provisioner/new-user" }},
		"a device of nobody":           {"device", func(e *evidence, _ *cast) { e.devices = append(e.devices, device{"x", "x", "x"}) }},
		"one device for two":           {"serial twice", func(e *evidence, _ *cast) { e.devices[1].serial = e.devices[0].serial }},
		"a device given back twice":    {"stock", func(e *evidence, _ *cast) { e.assigned-- }},
		"a device that didn't return":  {"stock", func(e *evidence, _ *cast) { e.inStock-- }},
		"grants left behind":           {"grants", func(e *evidence, _ *cast) { e.grants[0].key = "saga-1/authorizer/authorize" }},
		"no tombstone":                 {"tombstone of the grants", func(e *evidence, _ *cast) { e.undone = e.undone[:3] }},
		"a tombstone though completed": {"tombstone of the device", func(e *evidence, _ *cast) { e.undone = append(e.undone, "saga-0/provisioner/new-user") }},
		"a completion lost":            {"completion", func(e *evidence, _ *cast) { e.completions = nil }},
		"a mail lost":                  {"mail lost", func(e *evidence, _ *cast) { e.mails = e.mails[1:] }},
		"a mail twice":                 {"mail twice", func(e *evidence, _ *cast) { e.mails = append(e.mails, "mail-0") }},
		"a mail of no event":           {"mail", func(e *evidence, _ *cast) { e.mails = append(e.mails, "mail-1") }},
		"work left over":               {"ledger not empty", func(e *evidence, _ *cast) { e.ledgers[0].records = e.ledgers[0].records[:6] }},
		"halted though nobody is":      {"ledger not empty", func(_ *evidence, c *cast) { c.left = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := soundStorm()
			mutant.mutate(e, c)
			v := e.checkStorm(c)
			if v.count[mutant.kind] == 0 || !slices.ContainsFunc(v.words, func(w string) bool { return strings.HasPrefix(w, mutant.kind+": ") }) {
				t.Errorf("want a %q, found %v", mutant.kind, v.words)
			}
		})
	}
}

// again repeats the authorizer's first undo, with another header.
func (e *evidence) again(header, value string) {
	const inbox = "skald.authorizer.inbox"
	r := e.records[inbox][0]
	r.headers = maps.Clone(r.headers)
	r.headers[header] = value
	e.records[inbox] = append(e.records[inbox], r)
}
