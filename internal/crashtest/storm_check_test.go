package crashtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// undoType is the ce_type of a token on its way back.
const undoType = "skald.undo"

// end is what an outcome's record says.
type end struct {
	Outcome string   `json:"outcome"`
	Undone  []string `json:"undone"`
}

func outcomeOf(r record) (o end) {
	_ = json.Unmarshal(r.value, &o) // what can't be read is no known outcome
	return o
}

// passage is all that is known of a saga's way.
type passage struct {
	saga, email string
	at          map[string][]record // by topic; of inboxes the undos alone
	end         string
	undone      []string
}

// checkStorm goes through everything that must hold after a storm.
func (e *evidence) checkStorm(c *cast) *violations {
	v := &violations{}
	e.checkHops(v, hops[:4], func(v *violations, topic string, here map[string]record) {
		if topic == hops[0].topic {
			e.checkWhole(v, topic, here)
		}
	})
	for _, l := range e.ledgers {
		l.check(v, c.left)
	}
	all := e.passages(v)
	for _, p := range all {
		p.checkOutcome(v, c)
		p.checkUndone(v)
	}
	e.checkStores(v, all)
	e.checkMails(v, all)
	return v
}

// passages sorts the records by saga.
func (e *evidence) passages(v *violations) map[string]*passage {
	all := map[string]*passage{}
	for email, saga := range e.started {
		all[saga] = &passage{saga: saga, email: email, at: map[string][]record{}}
	}
	ids := map[string]bool{}
	for topic, records := range e.records {
		inbox := strings.HasSuffix(topic, ".inbox")
		for _, r := range records {
			if strings.HasSuffix(topic, ".ledger") || inbox && r.headers["ce_type"] != undoType {
				continue
			}
			p := all[r.headers["ce_sagaid"]]
			if p == nil {
				v.addf("unknown saga", "%q in %s was never started", r.headers["ce_sagaid"], topic)
				continue
			}
			if id := r.headers["ce_id"]; topic != "skald.dlq" && ids[id] {
				v.addf("event ID twice", "%s in %s", id, topic)
			} else if topic != "skald.dlq" { // a letter has its event's
				ids[id] = true
			}
			p.at[topic] = append(p.at[topic], r)
		}
	}
	for _, p := range all {
		for _, r := range p.at["skald.outcomes"] {
			o := outcomeOf(r)
			p.end, p.undone = o.Outcome, o.Undone
		}
	}
	return all
}

// checkOutcome: one outcome, which is one that its fate allows; none if it is left halted.
func (p *passage) checkOutcome(v *violations, c *cast) {
	if n := len(p.at["skald.outcomes"]); n > 1 || n == 0 != c.left[p.saga] {
		v.addf("outcomes", "saga %s has %d", p.saga, n)
	}
	if letters := len(p.at["skald.dlq"]); letters > 1 || letters == 0 && (c.left[p.saga] || c.redriven[p.saga] || c.discarded[p.saga]) {
		v.addf("letters", "saga %s has %d", p.saga, letters)
	}
	allowed := []string{"completed"}
	switch {
	case c.left[p.saga]:
		allowed = []string{""}
	case c.discarded[p.saga]:
		allowed = []string{"abandoned"}
	case c.denied[p.saga]:
		allowed = []string{"rejected"}
	case len(p.at["skald.dlq"]) > 0 && !c.redriven[p.saga]:
		allowed = nil
	}
	if c.cancelled[p.saga] && !c.left[p.saga] {
		allowed = append(allowed, "cancelled")
	}
	if !slices.Contains(allowed, p.end) {
		v.addf("outcome", "saga %s ended as %q, want one of %q", p.saga, p.end, allowed)
	}
	if p.end == "completed" && len(p.at["notified"]) != 1 {
		v.addf("hop lost", "saga %s completed and was notified %d times", p.saga, len(p.at["notified"]))
	}
}

// isTurned says that its token was turned round.
func (p *passage) isTurned() bool { return p.end != "" && p.end != "completed" }

// attempted are the services whose compensable steps have had its token, in reverse.
func (p *passage) attempted() []string {
	if len(p.at["authorize"]) > 0 {
		return []string{"authorizer", "provisioner"}
	}
	return []string{"provisioner"}
}

// checkUndone: if it didn't complete, each step that can be undone was, once, in reverse: the outcome tells so, and so do the undos,
// each caused by the one before. If it did, nothing was.
func (p *passage) checkUndone(v *violations) {
	want := p.attempted()
	if !p.isTurned() {
		want = nil
	}
	if !slices.Equal(p.undone, want) {
		v.addf("undone", "saga %s ended as %q, undone %v, want %v", p.saga, p.end, p.undone, want)
	}
	cause, hop := "", 0
	for _, service := range []string{"authorizer", "provisioner"} {
		undos := p.at["skald."+service+".inbox"]
		if n := len(undos); n > 1 || n == 1 != slices.Contains(want, service) {
			v.addf("undo", "saga %s ended as %q and was undone at %s %d times", p.saga, p.end, service, n)
		}
		for _, r := range undos {
			at, err := strconv.Atoi(r.headers["ce_hop"])
			if err != nil || at <= hop || cause != "" && r.headers["ce_causationid"] != cause {
				v.addf("undo", "saga %s at %s: hop %q after %d, caused by %s, want %q", p.saga, service, r.headers["ce_hop"], hop, r.headers["ce_causationid"], cause)
			}
			cause, hop = r.headers["ce_id"], at
		}
	}
	for _, r := range p.at["skald.outcomes"] {
		if cause != "" && r.headers["ce_causationid"] != cause {
			v.addf("undo", "saga %s: the outcome is caused by %s, want its last undo, %s", p.saga, r.headers["ce_causationid"], cause)
		}
	}
}

// checkStores: stock, grants, completions and tombstones are those that the outcomes imply.
func (e *evidence) checkStores(v *violations, all map[string]*passage) {
	devices, serials := map[string]int{}, map[string]bool{}
	for _, d := range e.devices {
		devices[d.assignment]++
		if serials[d.serial] {
			v.addf("serial twice", "%s", d.serial)
		}
		serials[d.serial] = true
	}
	completions := map[string]int{}
	for _, c := range e.completions {
		completions[c.saga]++
	}
	grants, undone := e.grantKeys(), counted(e.undone)
	for _, p := range all {
		kept := 1
		if p.isTurned() {
			kept = 0
		}
		device, grant := p.saga+"/provisioner/new-user", p.saga+"/authorizer/authorize"
		e.exactly(v, "device", p, devices[device], kept)
		e.exactly(v, "grants", p, len(grants[grant]), kept*2) // as many as the policies name
		e.exactly(v, "tombstone of the device", p, undone[device], 1-kept)
		e.exactly(v, "tombstone of the grants", p, undone[grant], (1-kept)*(len(p.attempted())-1))
		if p.end != "cancelled" || len(p.at["notified"]) == 0 { // else its end may have had its effect before it failed, and was turned round
			e.exactly(v, "completion", p, completions[p.saga], len(p.at["skald.outcomes"])*kept)
		}
		delete(devices, device)
		delete(grants, grant)
	}
	for key := range devices {
		v.addf("device", "%s is nobody's", key)
	}
	for key := range grants {
		v.addf("grants", "%s is nobody's", key)
	}
	if e.assigned != int64(len(e.devices)) || e.returned != e.inStock {
		v.addf("stock", "it has shrunk by %d with %d devices out; %d are said to be back, %d are", e.assigned, len(e.devices), e.returned, e.inStock)
	}
}

// checkMails: the mailbox has the mails of the notifier's committed events, none twice. A mail that was sent, and whose event was not
// committed before its saga was cancelled, is there as well: nobody can take it back.
func (e *evidence) checkMails(v *violations, all map[string]*passage) {
	mails, stray := counted(e.mails), 0
	for id, n := range mails {
		if n > 1 {
			v.addf("mail twice", "%s: %d", id, n)
		}
	}
	for _, p := range all {
		for _, r := range p.at["notified"] {
			var event struct {
				Mail string `json:"messageid"`
			}
			if err := json.Unmarshal(r.value, &event); err != nil || mails[event.Mail] == 0 {
				v.addf("mail lost", "saga %s: %q (%v)", p.saga, event.Mail, err)
			}
			delete(mails, event.Mail)
		}
		if p.end == "cancelled" && len(p.at["notify"]) > 0 && len(p.at["notified"]) == 0 {
			stray++
		}
	}
	if len(mails) > stray {
		v.addf("mail", "%d mails are of no committed event, but only %d sagas were cancelled at the notifier", len(mails), stray)
	}
}

func (*evidence) exactly(v *violations, what string, p *passage, n, want int) {
	if n != want {
		v.addf(what, "saga %s ended as %q with %d, want %d", p.saga, p.end, n, want)
	}
}

// grantKeys gives the entitlements by idempotency key.
func (e *evidence) grantKeys() map[string][]string {
	all := map[string][]string{}
	for _, g := range e.grants {
		all[g.key] = append(all[g.key], g.entitlement)
	}
	return all
}
