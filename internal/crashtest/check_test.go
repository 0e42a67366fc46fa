package crashtest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// violations gathers what is wrong, a few of each kind in words and all in numbers.
type violations struct {
	count map[string]int
	words []string
}

func (v *violations) addf(kind, format string, args ...any) {
	const most = 5
	if v.count == nil {
		v.count = map[string]int{}
	}
	if v.count[kind]++; v.count[kind] <= most {
		v.words = append(v.words, kind+": "+fmt.Sprintf(format, args...))
	}
}

func (v *violations) total() (n int) {
	for _, count := range v.count {
		n += count
	}
	return n
}

// check goes through everything that must hold after a run in which each saga completed.
func (e *evidence) check() *violations {
	v := &violations{}
	e.checkHops(v, hops, e.checkWhole)
	for _, r := range e.records["skald.dlq"] {
		v.addf("dead letter", "%s", r.headers["dlq-error"])
	}
	for _, l := range e.ledgers {
		l.check(v, nil)
	}
	for _, l := range e.resting {
		if !l.trimmed() {
			v.addf("ledger not trimmed", "%s/%d: begins at %d, the fence is at %d", l.service, l.partition, l.start, l.fence)
		}
	}
	e.checkEffects(v)
	if e.retries != nil {
		e.checkRetries(v)
	}
	return v
}

// checkHops: each saga has each hop once, with IDs that nothing else has, each caused by the one before, all in one partition
// number; whole says which sagas a topic must have.
func (e *evidence) checkHops(v *violations, hops []hop, whole func(v *violations, topic string, here map[string]record)) {
	ids, places := map[string]string{}, map[string]int32{}
	var before map[string]record
	for _, h := range hops {
		here := map[string]record{}
		for _, r := range e.records[h.topic] {
			saga, where := r.headers["ce_sagaid"], fmt.Sprintf("%s/%d@%d", r.topic, r.partition, r.offset)
			switch other, twice := ids[r.headers["ce_id"]]; {
			case r.headers["ce_id"] == "":
				v.addf("no event ID", "%s", where)
			case twice:
				v.addf("event ID twice", "%s at %s and %s", r.headers["ce_id"], other, where)
			}
			ids[r.headers["ce_id"]] = where
			if first, twice := here[saga]; twice {
				v.addf("hop twice", "saga %s at %s, before at offset %d", saga, where, first.offset)
			}
			here[saga] = r
			h.check(v, r, where)
			if p, known := places[saga]; known && p != r.partition {
				v.addf("partition", "saga %s is in %d and, at %s, in another", saga, p, where)
			}
			places[saga] = r.partition
			if before != nil && r.headers["ce_causationid"] != before[saga].headers["ce_id"] {
				v.addf("cause", "%s says %q, the hop before is %q", where, r.headers["ce_causationid"], before[saga].headers["ce_id"])
			}
		}
		whole(v, h.topic, here)
		before = here
	}
}

func (h hop) check(v *violations, r record, where string) {
	for header, want := range map[string]string{
		"ce_hop": h.hop, "ce_source": h.source, "ce_type": h.typ, "ce_workflow": "onboarding", "ce_sagaid": r.key,
	} {
		if got := r.headers[header]; got != want {
			v.addf("header", "%s: %s is %q, want %q", where, header, got, want)
		}
	}
	if h.topic != "skald.outcomes" {
		return
	}
	var outcome struct {
		Outcome string `json:"outcome"`
	}
	if err := json.Unmarshal(r.value, &outcome); err != nil || outcome.Outcome != "completed" {
		v.addf("outcome", "%s: %s", where, r.value)
	}
}

// checkWhole compares the sagas of a topic with those that were started.
func (e *evidence) checkWhole(v *violations, topic string, here map[string]record) {
	started := map[string]bool{}
	for _, saga := range e.started {
		started[saga] = true
		if _, ok := here[saga]; !ok {
			v.addf("hop lost", "saga %s is not in %s", saga, topic)
		}
	}
	for saga := range here {
		if !started[saga] {
			v.addf("unknown saga", "%q in %s was never started", saga, topic)
		}
	}
}

// trimSlack is how much of a ledger may lie before its fence: deleting less isn't worth a request.
const trimSlack = 1000

func (l *ledgerState) trimmed() bool { return l.fence-l.start < trimSlack }

// check: nothing lives in the ledger but a checkpoint, and what sagas are halted or open for it, and the fence is no younger than that.
func (l *ledgerState) check(v *violations, halted map[string]bool) {
	where := fmt.Sprintf("%s/%d", l.service, l.partition)
	type entry struct {
		record
		Op   string `json:"op"`
		Kind string `json:"kind"`
		ID   string `json:"id"`
		Saga string `json:"saga"`
	}
	live := map[string]entry{} // by ID: what was work may be put again as halted
	for _, r := range l.records {
		change := entry{record: r}
		if err := json.Unmarshal(r.value, &change); err != nil {
			v.addf("ledger record", "%s@%d: %v", where, r.offset, err)
			continue
		}
		switch change.Op {
		case "put":
			live[change.ID] = change
		case "delete":
			delete(live, change.ID)
		}
	}
	oldest := l.end
	for _, r := range live {
		if waits := halted[r.Saga] && (r.Kind == "halted" || r.Kind == "open"); r.Kind != "checkpoint" && !waits {
			v.addf("ledger not empty", "%s@%d: %.500s", where, r.offset, r.value)
		}
		oldest = min(oldest, r.offset)
	}
	if l.fence < 0 && l.end > 0 {
		v.addf("no fence", "%s", where)
	}
	if l.fence > oldest {
		v.addf("fence", "%s: at %d, but an entry of offset %d lives: a replay would miss it", where, l.fence, oldest)
	}
}

// checkEffects: each user has one device, one completion, its grants once and one mail, and they are those that its events tell of.
func (e *evidence) checkEffects(v *violations) {
	told := e.told(v)
	serials, devices := map[string]bool{}, map[string]int{}
	for _, d := range e.devices {
		if serials[d.serial] {
			v.addf("serial twice", "%s", d.serial)
		}
		serials[d.serial] = true
		devices[d.email]++
		if want := e.started[d.email] + "/provisioner/new-user"; d.assignment != want || told[d.email].serial != d.serial {
			v.addf("device", "%s is assigned under %q, want %q, and the events tell of %q", d.serial, d.assignment, want, told[d.email].serial)
		}
	}
	if e.assigned != int64(len(e.devices)) {
		v.addf("stock", "it has shrunk by %d, but %d devices are assigned", e.assigned, len(e.devices))
	}
	completions := map[string]int{}
	for _, c := range e.completions {
		completions[c.email]++
		if c.saga != e.started[c.email] || c.messageID != told[c.email].mail {
			v.addf("completion", "%v", c)
		}
	}
	granted := map[string][]string{}
	for _, g := range e.grants {
		granted[g.email] = append(granted[g.email], g.entitlement)
		if g.key != e.started[g.email]+"/authorizer/authorize" {
			v.addf("grant", "%v", g)
		}
	}
	mails, watched := counted(e.mails), counted(e.watched)
	for email, saga := range e.started {
		e.once(v, "device", email, devices[email])
		e.once(v, "completion", email, completions[email])
		e.once(v, "mail", email, mails[told[email].mail])
		if e.rolled {
			e.once(v, "watched", email, watched[saga])
		}
		if want := slices.Sorted(slices.Values(told[email].grants)); len(want) == 0 || !slices.Equal(slices.Sorted(slices.Values(granted[email])), want) {
			v.addf("grants", "%s has %v, the events tell of %v", email, granted[email], want)
		}
	}
	for what, n := range map[string]int{"devices": len(e.devices), "completions": len(e.completions), "mails": len(e.mails)} {
		if n != len(e.started) {
			v.addf("total", "%d %s for %d sagas", n, what, len(e.started))
		}
	}
}

func (*evidence) once(v *violations, what, email string, n int) {
	if n != 1 {
		v.addf(what+" not once", "%s: %d", email, n)
	}
}

func counted(all []string) map[string]int {
	n := map[string]int{}
	for _, one := range all {
		n[one]++
	}
	return n
}

// story is what the events tell of a user.
type story struct {
	serial, mail string
	grants       []string
}

func (e *evidence) told(v *violations) map[string]story {
	all := map[string]story{}
	for _, topic := range []string{"authorize", "notify", "notified"} {
		for _, r := range e.records[topic] {
			var event struct {
				User struct {
					Email string `json:"email"`
				} `json:"user"`
				Device struct {
					Serial string `json:"serial"`
				} `json:"device"`
				Grants []string `json:"grants"`
				Mail   string   `json:"messageid"`
			}
			if err := json.Unmarshal(r.value, &event); err != nil {
				v.addf("payload", "%s/%d@%d: %v", topic, r.partition, r.offset, err)
				continue
			}
			s := all[event.User.Email]
			switch topic {
			case "authorize":
				s.serial = event.Device.Serial
			case "notify":
				s.grants = event.Grants
				if event.Device.Serial != s.serial {
					v.addf("device changed", "%s: %s, then %s", event.User.Email, s.serial, event.Device.Serial)
				}
			case "notified":
				s.mail = event.Mail
			}
			all[event.User.Email] = s
		}
	}
	return all
}
