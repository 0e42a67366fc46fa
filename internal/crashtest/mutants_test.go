package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// soundEvidence is what a run of n sagas without any fault would leave.
func soundEvidence(n int) *evidence {
	e := &evidence{started: map[string]string{}, records: map[string][]record{}, assigned: int64(n), rolled: true}
	for i := range n {
		email, saga := fmt.Sprintf("u%d@example.com", i), fmt.Sprintf("saga-%d", i)
		serial, mail := fmt.Sprintf("NB-%d", i), fmt.Sprintf("mail-%d", i)
		e.started[email] = saga
		user := fmt.Sprintf(`{"email":%q}`, email)
		values := map[string]string{
			"new-user":       user,
			"authorize":      fmt.Sprintf(`{"user":%s,"device":{"serial":%q}}`, user, serial),
			"notify":         fmt.Sprintf(`{"user":%s,"device":{"serial":%q},"grants":["vpn","mail"]}`, user, serial),
			"notified":       fmt.Sprintf(`{"user":%s,"messageid":%q}`, user, mail),
			"skald.outcomes": `{"outcome":"completed"}`,
		}
		cause := ""
		for _, h := range hops {
			id := h.topic + " of " + saga
			e.records[h.topic] = append(e.records[h.topic], record{
				topic: h.topic, partition: int32(i % 2), offset: int64(i), key: saga, value: []byte(values[h.topic]),
				headers: map[string]string{
					"ce_id": id, "ce_sagaid": saga, "ce_workflow": "onboarding", "ce_hop": h.hop, "ce_source": h.source, "ce_type": h.typ,
					"ce_causationid": cause,
				},
			})
			cause = id
		}
		e.devices = append(e.devices, device{serial, saga + "/provisioner/new-user", email})
		e.completions = append(e.completions, completion{saga, email, mail})
		e.grants = append(e.grants, grant{saga + "/authorizer/authorize", "mail", email}, grant{saga + "/authorizer/authorize", "vpn", email})
		e.mails = append(e.mails, mail)
		e.watched = append(e.watched, saga)
	}
	change := func(offset int64, text string) record { return record{offset: offset, value: []byte(text)} }
	e.ledgers = []ledgerState{{service: "notifier", start: 7, fence: 10, end: 14, records: []record{
		change(8, `{"op":"put","kind":"work","id":"a"}`), change(9, `{"op":"delete","kind":"work","id":"a"}`), change(10, `{"op":"note","id":"b"}`),
		change(11, `{"op":"delete","kind":"open","id":"of before the trim"}`), change(12, `{"op":"put","kind":"checkpoint","id":"checkpoint"}`),
	}}}
	e.resting = []ledgerState{{service: "notifier", start: 7, fence: 10, end: 14}}
	e.tryAgain()
	return e
}

// tryAgain has the first user mailed at the third attempt, and the second by a process that had lost its partition meanwhile.
func (e *evidence) tryAgain() {
	accepted := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return accepted.Add(time.Duration(seconds) * time.Second) }
	for _, r := range e.records["notified"] {
		r.headers["ce_acceptedtime"] = accepted.Format(time.RFC3339Nano)
	}
	again, other := e.records["notified"][0].headers, e.records["notified"][1].headers
	again["ce_attempt"], again["ce_startedtime"] = "3", at(5).Format(time.RFC3339Nano)
	other["ce_attempt"] = "2"
	e.retries = []retry{
		{again["ce_causationid"], 1, at(1), at(2)},
		{again["ce_causationid"], 1, at(1), at(2)}, // written again
		{again["ce_causationid"], 2, at(3), at(5)},
		{other["ce_causationid"], 1, at(1), at(2)},
	}
}

// Each mutant is what one kind of fault would leave. The check must find it, and in the sound evidence nothing.
func TestTheCheckFindsEachFault(t *testing.T) {
	if v := soundEvidence(3).check(); v.total() > 0 {
		t.Fatalf("sound evidence is found at fault: %v", v.words)
	}
	again := func(r record, changes ...string) record { // a copy, with other headers
		r.offset += 100
		r.headers = maps.Clone(r.headers)
		for i := 0; i < len(changes); i += 2 {
			r.headers[changes[i]] = changes[i+1]
		}
		return r
	}
	for name, mutant := range map[string]struct {
		kind   string
		mutate func(*evidence)
	}{
		"an output written twice": {"event ID twice", func(e *evidence) { e.records["notify"] = append(e.records["notify"], again(e.records["notify"][1])) }},
		"a handler run to the end twice": {"hop twice", func(e *evidence) {
			e.records["notify"] = append(e.records["notify"], again(e.records["notify"][1], "ce_id", "another"))
		}},
		"a hop lost":      {"hop lost", func(e *evidence) { e.records["notify"] = e.records["notify"][1:] }},
		"a start lost":    {"hop lost", func(e *evidence) { e.records["new-user"] = e.records["new-user"][1:] }},
		"an outcome lost": {"hop lost", func(e *evidence) { e.records["skald.outcomes"] = nil }},
		"two outcomes": {"hop twice", func(e *evidence) {
			e.records["skald.outcomes"] = append(e.records["skald.outcomes"], again(e.records["skald.outcomes"][0], "ce_id", "x"))
		}},
		"another outcome":               {"outcome", func(e *evidence) { e.records["skald.outcomes"][0].value = []byte(`{"outcome":"rejected"}`) }},
		"an outcome that can't be read": {"outcome", func(e *evidence) { e.records["skald.outcomes"][0].value = []byte(`{`) }},
		"a saga that nobody started": {"unknown saga", func(e *evidence) {
			e.records["notify"] = append(e.records["notify"], again(e.records["notify"][1], "ce_id", "x", "ce_sagaid", "y"))
		}},
		"an event without ID":          {"no event ID", func(e *evidence) { delete(e.records["notify"][0].headers, "ce_id") }},
		"a wrong cause":                {"cause", func(e *evidence) { e.records["notify"][0].headers["ce_causationid"] = "x" }},
		"a wrong hop count":            {"header", func(e *evidence) { e.records["notify"][0].headers["ce_hop"] = "3" }},
		"a wrong key":                  {"header", func(e *evidence) { e.records["notify"][0].key = "x" }},
		"a wrong source":               {"header", func(e *evidence) { e.records["notify"][0].headers["ce_source"] = "/skald/notifier" }},
		"another partition":            {"partition", func(e *evidence) { e.records["notify"][0].partition = 7 }},
		"a dead letter":                {"dead letter", func(e *evidence) { e.records["skald.dlq"] = []record{{}} }},
		"a payload that can't be read": {"payload", func(e *evidence) { e.records["notify"][0].value = []byte("x") }},

		"work left over":       {"ledger not empty", func(e *evidence) { e.ledgers[0].records[1].value = []byte(`{"op":"delete","kind":"work","id":"b"}`) }},
		"a halted saga":        {"ledger not empty", func(e *evidence) { e.ledgers[0].records[1].value = []byte(`{"op":"put","kind":"halted","id":"a"}`) }},
		"a fence too far":      {"fence", func(e *evidence) { e.ledgers[0].fence = 13 }},
		"no fence":             {"no fence", func(e *evidence) { e.ledgers[0].fence = -1 }},
		"a ledger not trimmed": {"ledger not trimmed", func(e *evidence) { e.resting[0].start, e.resting[0].fence = 0, 5000 }},
		"a broken ledger":      {"ledger record", func(e *evidence) { e.ledgers[0].records[0].value = nil }},

		"two devices for one user":  {"device not once", func(e *evidence) { e.devices[1].email = e.devices[0].email }},
		"no device":                 {"device not once", func(e *evidence) { e.devices = e.devices[1:] }},
		"one device for two users":  {"serial twice", func(e *evidence) { e.devices[1].serial = e.devices[0].serial }},
		"another device than told":  {"device", func(e *evidence) { e.devices[1].serial = "x" }},
		"a device under a lost key": {"device", func(e *evidence) { e.devices[1].assignment = "x" }},
		"a device taken in vain":    {"stock", func(e *evidence) { e.assigned++ }},
		"a device changed half-way": {"device changed", func(e *evidence) {
			e.records["notify"][0].value = []byte(`{"user":{"email":"u0@example.com"},"device":{"serial":"x"},"grants":["vpn","mail"]}`)
		}},
		"no completion":               {"completion not once", func(e *evidence) { e.completions = e.completions[1:] }},
		"a wrong completion":          {"completion", func(e *evidence) { e.completions[0].messageID = "x" }},
		"a grant lost":                {"grants", func(e *evidence) { e.grants = e.grants[1:] }},
		"a grant twice":               {"grants", func(e *evidence) { e.grants = append(e.grants, e.grants[0]) }},
		"grants under another key":    {"grant", func(e *evidence) { e.grants[0].key = "x" }},
		"a retry before it is due":    {"retry early", func(e *evidence) { e.retries[2].due = e.retries[2].due.Add(time.Nanosecond) }},
		"a failure noted twice":       {"retry twice", func(e *evidence) { e.retries[1].due = e.retries[1].due.Add(time.Second) }},
		"a retry that nobody noted":   {"retry not told", func(e *evidence) { e.retries = e.retries[:2] }},
		"a retry that never came":     {"retry lost", func(e *evidence) { e.retries[2].attempt = 3 }},
		"an attempt without its time": {"attempt", func(e *evidence) { delete(e.records["notified"][2].headers, "ce_acceptedtime") }},
		"an attempt begun too early":  {"retry early", func(e *evidence) { e.records["notified"][1].headers["ce_startedtime"] = "2026-11-24T12:00:01.5Z" }},
		"attempts counted anew":       {"retry lost", func(e *evidence) { delete(e.records["notified"][1].headers, "ce_attempt") }},
		"an event never handled":      {"retry lost", func(e *evidence) { e.records["notified"] = e.records["notified"][1:] }},

		"no mail":                  {"mail not once", func(e *evidence) { e.mails = e.mails[1:] }},
		"a mail twice":             {"mail not once", func(e *evidence) { e.mails = append(e.mails, e.mails[0]) }},
		"a mail of nobody":         {"total", func(e *evidence) { e.mails = append(e.mails, "x") }},
		"not seen by the new step": {"watched not once", func(e *evidence) { e.watched = e.watched[1:] }},
	} {
		t.Run(name, func(t *testing.T) {
			e := soundEvidence(3)
			mutant.mutate(e)
			v := e.check()
			if v.count[mutant.kind] == 0 || !slices.ContainsFunc(v.words, func(w string) bool { return len(w) > len(mutant.kind) }) {
				t.Errorf("want a %q, found %v", mutant.kind, v.words)
			}
		})
	}
}
