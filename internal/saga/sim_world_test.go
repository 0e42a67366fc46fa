package saga_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// world is a cluster, the members of several services, people and time, as a model that one goroutine steps through. All that is
// random comes from the seed, so a run can be had again.
//
// The log is that of Kafka as far as the protocol leans on it: transactions over many partitions that commit or abort as a
// whole, readers that stop at the first open one (the last stable offset), offsets and generations of groups, producers that are fenced by
// whoever takes their transactional ID over, rebalances that a member which is frozen doesn't hear of.
type world struct {
	rng    *rand.Rand
	plan   plan
	bug    string
	now    time.Time
	logs   map[place][]*record
	groups []*group
	judge  *judge
	sagas  []string // that were started
	trace  []string
	steps  int
	calm   bool // nothing fails any more
	serial int
}

// plan is what a run's seed draws first.
type plan struct {
	partitions  int32
	sagas       int
	streams     int
	attempts    int
	deadline    time.Duration
	onDeadline  string
	compensable [3]bool // begin, a, b
	members     int
}

// dedupeWindow is longer than any run: outside of it a repeated start is a saga anew.
const dedupeWindow = 1000 * time.Hour

type place struct {
	topic     string
	partition int32
}

// record lies in the log. A record of the client is in no transaction.
type record struct {
	wire.Record
	txn *txn
}

type txn struct {
	state   txnState
	by      *member
	written []*record
	offsets map[place]int64 // those of the ledger topic are fences
}

type txnState int

const (
	open txnState = iota
	committed
	aborted
)

func (r *record) isCommitted() bool { return r.txn == nil || r.txn.state == committed }

// group is a service: its consumer group, and the slots of its members.
type group struct {
	service    string
	steps      map[string]*saga.Step
	inputs     []string
	generation int
	pending    bool // a rebalance waits for members that have a batch in hand
	members    []*member
	owner      map[int32]*member
	offsets    map[place]int64
	epochs     []int // of the slots' producers
}

const (
	topicStart = "start"
	topicA     = "a"
	topicB     = "b"
	topicEnd   = "end"
)

func drawPlan(rng *rand.Rand, sagas int) plan {
	p := plan{
		partitions: 1 + rng.Int32N(2), sagas: sagas, streams: rng.IntN(2), attempts: 1 + rng.IntN(3), members: 1 + rng.IntN(2),
		compensable: [3]bool{rng.IntN(4) > 0, rng.IntN(4) > 0, rng.IntN(3) == 0},
	}
	switch rng.IntN(4) {
	case 0:
		p.deadline = 5 * time.Minute
	case 1:
		p.deadline, p.onDeadline = 5*time.Minute, wire.DeadlineExpires
	}
	return p
}

func newWorld(seed uint64, sagas int, bug string) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		rng: rng, plan: drawPlan(rng, sagas), bug: bug, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), logs: map[place][]*record{},
	}
	if bug == "an undo leaves no tombstone" { // only a member that was frozen shows it
		w.plan.members, w.plan.compensable, w.plan.streams = 2, [3]bool{true, true, true}, 0
	}
	w.judge = newJudge(w)
	retry := saga.Policy{Attempts: w.plan.attempts, First: time.Second, Factor: 2, Max: time.Minute}
	step := func(topic, role, next string, compensable bool) *saga.Step {
		s := &saga.Step{
			Step:          wire.Step{Topic: topic, Role: role, Compensable: compensable},
			SchemaVersion: 1, Concurrency: 3, Retry: retry,
			Readable: func(*wire.Event) error { return nil }, Subject: func(*wire.Event) string { return "" },
		}
		if next != "" {
			s.Next = []string{next}
		}
		if role != wire.RoleStep {
			s.Workflow = "w"
		}
		return s
	}
	begin := step(topicStart, wire.RoleBegin, topicA, w.plan.compensable[0])
	begin.Deadline, begin.OnDeadline = w.plan.deadline, w.plan.onDeadline
	w.group("home", begin, step(topicEnd, wire.RoleEnd, "", false))
	w.group("first", step(topicA, wire.RoleStep, topicB, w.plan.compensable[1]))
	w.group("second", step(topicB, wire.RoleStep, topicEnd, w.plan.compensable[2]))
	return w
}

func (w *world) group(service string, steps ...*saga.Step) {
	g := &group{
		service: service, steps: map[string]*saga.Step{}, owner: map[int32]*member{}, offsets: map[place]int64{},
		inputs: []string{inboxOf(service), "skald.cancel"},
	}
	for _, s := range steps {
		g.steps[s.Topic] = s
		g.inputs = append(g.inputs, s.Topic)
	}
	w.groups = append(w.groups, g)
	for slot := range w.plan.members {
		g.epochs = append(g.epochs, 0)
		w.start(g, slot)
	}
}

func inboxOf(service string) string  { return "skald." + service + ".inbox" }
func ledgerOf(service string) string { return "skald." + service + ".ledger" }

// partitionOf is any function of the saga's ID.
func (w *world) partitionOf(saga string) int32 {
	n := 0
	for _, c := range saga {
		n += int(c)
	}
	return int32(n) % w.plan.partitions
}

func (w *world) sayf(format string, args ...any) {
	if len(w.trace) > 4000 {
		w.trace = slices.Delete(w.trace, 0, 2000)
	}
	w.trace = append(w.trace, fmt.Sprintf("%6d %s  ", w.steps, w.now.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// trouble is chance, as long as nothing has healed.
func (w *world) trouble(p float64) bool { return !w.calm && w.rng.Float64() < p }

func (w *world) append(r *record) {
	p := place{r.Topic, r.Partition}
	r.Offset, r.Time = int64(len(w.logs[p])), w.now
	w.logs[p] = append(w.logs[p], r)
	if r.txn != nil {
		r.txn.written = append(r.txn.written, r)
	}
}

// stable is the last stable offset: that of the first record of an open transaction, or the end.
func (w *world) stable(p place) int64 {
	log := w.logs[p]
	for i := w.judge.settled[p]; i < int64(len(log)); i++ {
		if log[i].txn != nil && log[i].txn.state == open {
			w.judge.settled[p] = i
			return i
		}
	}
	w.judge.settled[p] = int64(len(log))
	return int64(len(log))
}

// end decides a transaction.
func (w *world) end(t *txn, s txnState) {
	t.state = s
	if s == committed {
		for _, p := range sortedPlaces(t.offsets) {
			w.judge.consumed(t.by.group, p, t.by.group.offsets[p], t.offsets[p])
			t.by.group.offsets[p] = t.offsets[p]
		}
		w.judge.written(t)
	}
}

func sortedPlaces(m map[place]int64) []place {
	all := make([]place, 0, len(m))
	for p := range m {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b place) int {
		if a.topic != b.topic {
			if a.topic < b.topic {
				return -1
			}
			return 1
		}
		return int(a.partition - b.partition)
	})
	return all
}

// run steps through the world until something is wrong or so many steps are done.
func (w *world) run(steps int) error {
	for range steps {
		w.step()
		if w.judge.wrong != nil {
			return w.judge.wrong
		}
	}
	return nil
}

func (w *world) step() {
	w.steps++
	switch n := w.rng.IntN(100); {
	case n < 70:
		g := w.groups[w.rng.IntN(len(w.groups))]
		if len(g.members) > 0 {
			g.members[w.rng.IntN(len(g.members))].act()
		}
	case n < 80:
		w.pass()
	case n < 83:
		w.rebalance(w.groups[w.rng.IntN(len(w.groups))])
	case n < 86:
		w.misfortune(w.groups[w.rng.IntN(len(w.groups))])
	default:
		w.people()
	}
}

// pass lets time pass: a moment, or until something is due.
func (w *world) pass() {
	d := time.Duration(w.rng.IntN(50)) * time.Millisecond
	if w.chance(0.3) {
		for _, g := range w.groups {
			for _, m := range g.members {
				if due := m.machine.NextDue(w.now, m.ledgers); !due.IsZero() && due.After(w.now) && due.Sub(w.now) > d {
					d = due.Sub(w.now)
				}
			}
		}
	}
	w.now = w.now.Add(d)
}

// misfortune is what happens to members.
func (w *world) misfortune(g *group) {
	m := g.members[w.rng.IntN(len(g.members))]
	switch {
	case m.frozen && (w.calm || w.chance(0.3)):
		w.sayf("%s thaws", m)
		m.frozen = false
	case w.trouble(0.3):
		w.sayf("%s freezes", m)
		m.frozen = true
	case w.trouble(0.4):
		w.crash(m)
	case w.trouble(0.2):
		m.stopping = true
	}
	if t := m.txn; t != nil && t.state == open && m.frozen && (w.calm || w.chance(0.2)) {
		w.sayf("the transaction of %s times out", m)
		g.epochs[m.slot]++
		w.end(t, aborted)
	}
}

// heal ends all misfortune.
func (w *world) heal() {
	w.calm = true
	for _, g := range w.groups {
		for _, m := range slices.Clone(g.members) {
			m.frozen = false
			if len(m.inputs) < len(g.inputs) {
				w.crash(m) // the roll ends
			}
		}
	}
}
