package saga_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// judge sees everything, and says which invariant is broken.
type judge struct {
	w       *world
	wrong   error
	settled map[place]int64

	tokens   map[string]int  // live tokens by saga: committed records that nobody has consumed, and ledger entries
	entries  map[string]bool // live, by service and ID
	open     map[string]bool
	outcome  map[string]string
	ended    map[string]time.Time
	touched  map[string]bool
	started_ map[string]time.Time // when a saga was accepted
	overdue  map[string]int
	streams  map[string]int // events sent, by saga
	arrived  map[string]int // the last one that was passed on

	dues     map[string]time.Time // when a retry is due, by service and ID
	turning  map[string]bool      // sagas that are to be turned round
	letters  map[string]bool      // that were written, by ID
	asked    map[string]string    // commands about letters: the letter's ID, by the command's
	admitted map[string]bool      // letters that were redriven or discarded

	effects map[string]effect // by key
	taken   map[string]int    // by saga and step: how often it took effect
	undone  map[string][]int  // by saga: which steps were undone, in order
}

// broken is an invariant that doesn't hold.
type broken struct{ invariant, what string }

func (b *broken) Error() string { return b.invariant + ": " + b.what }

func newJudge(w *world) *judge {
	return &judge{
		w: w, settled: map[place]int64{}, tokens: map[string]int{}, entries: map[string]bool{}, open: map[string]bool{}, outcome: map[string]string{},
		ended: map[string]time.Time{}, touched: map[string]bool{}, started_: map[string]time.Time{}, overdue: map[string]int{},
		streams: map[string]int{}, arrived: map[string]int{}, dues: map[string]time.Time{}, turning: map[string]bool{},
		letters: map[string]bool{}, asked: map[string]string{}, admitted: map[string]bool{}, effects: map[string]effect{}, taken: map[string]int{}, undone: map[string][]int{},
	}
}

func (j *judge) failf(invariant, format string, args ...any) {
	if j.wrong == nil {
		j.wrong = &broken{invariant, fmt.Sprintf(format, args...)}
		j.w.sayf("%v", j.wrong)
	}
}

func (j *judge) isStream(saga string) bool { return j.streams[saga] > 0 }

// token says whose token a record is.
func (j *judge) token(r *record) (saga string, ok bool) {
	e, err := wire.Parse(r.Headers, r.Value)
	if err != nil || e.SagaID == "" || j.isStream(e.SagaID) {
		return "", false
	}
	switch origin := r.Header(wire.HeaderOrigin); {
	case r.Header(wire.HeaderCommand) != "" || origin == topicStart:
		return "", false
	case e.Type == wire.UndoType, r.Topic == topicA, r.Topic == topicB, r.Topic == topicEnd, origin != "":
		return e.SagaID, r.Topic != "skald.dlq"
	}
	return "", false
}

func (j *judge) count(saga string, n int) {
	j.tokens[saga] += n
	j.touched[saga] = true
}

// read is told of every record that a member reads.
func (j *judge) read(r *record) {
	if !r.isCommitted() {
		j.failf("I10", "a record of %s is read that isn't committed", r.Topic)
	}
}

// consumed is told which records a committed transaction has consumed.
func (j *judge) consumed(g *group, at place, from, to int64) {
	if at.topic == ledgerOf(g.service) {
		return
	}
	if to < from {
		j.failf("I1", "the offset of %v goes back from %d to %d", at, from, to)
	}
	for _, r := range j.w.logs[at][from:max(from, to)] {
		if !r.isCommitted() {
			continue
		}
		if saga, ok := j.token(r); ok {
			j.count(saga, -1)
		}
	}
}

// written is told what a committed transaction has written.
func (j *judge) written(t *txn) {
	for _, r := range t.written {
		switch {
		case r.Topic == ledgerOf(t.by.group.service):
			j.ledger(t.by.group.service, r)
		case r.Topic == "skald.outcomes":
			j.end(r)
		case r.Topic == "skald.dlq":
			if id := r.Header(wire.LetterName); j.letters[id] {
				j.failf("I1", "two dead letters have the ID %s", id)
			} else {
				j.letters[id] = true
			}
		default:
			if saga, ok := j.token(r); ok {
				j.count(saga, 1)
			}
			j.inStream(r)
		}
	}
	for saga := range j.touched {
		switch n := j.tokens[saga]; {
		case n > 1:
			j.failf("I2", "saga %.8s has %d tokens", saga, n)
		case n < 0:
			j.failf("I1", "saga %.8s: more tokens were consumed than there were", saga)
		case j.open[saga] && n == 0:
			j.failf("I1", "saga %.8s is open and has no token", saga)
		case !j.open[saga] && n > 0:
			j.failf("I2", "saga %.8s isn't open and has a token", saga)
		}
	}
	clear(j.touched)
}

func (j *judge) ledger(service string, r *record) {
	l, err := wire.DecodeLedgerRecord(r.Value)
	if err != nil {
		j.failf("I1", "a ledger record can't be read: %v", err)
		return
	}
	key := service + "/" + l.ID
	switch {
	case l.Op == wire.OpNote:
		if l.Answer != wire.AnswerRefused {
			j.w.sayf("%s notes on %.8s: %s %s", service, l.Saga, l.Answer, l.Reason)
		}
		if l.State == wire.StateOverdue {
			j.late(l)
		}
		if letter := j.asked[l.ID]; letter != "" && l.Answer == wire.AnswerAccepted {
			if j.admitted[letter] {
				j.failf("I1", "a dead letter of saga %.8s is redriven or discarded twice", l.Saga)
			}
			j.admitted[letter] = true
		}
	case j.isStream(l.Saga):
		j.w.sayf("%s: stream %.8s, %s as %s (attempt %d, order %d) %s", service, l.Saga, l.Op, l.State, l.Attempt, l.Order, l.Error)
	case l.Saga == "":
	case l.Kind == wire.KindOpen && l.Op == wire.OpPut:
		j.open[l.Saga], j.touched[l.Saga] = true, true
		j.started_[l.Saga] = l.Accepted
		j.turning[l.Saga] = l.Outcome != ""
	case l.Kind == wire.KindOpen:
		delete(j.open, l.Saga)
		j.touched[l.Saga] = true
	case l.Op == wire.OpPut:
		j.w.sayf("%s keeps %.8s as %s (attempt %d) %s", service, l.Saga, l.State, l.Attempt, l.Error)
		j.dues[key] = l.Due
		if !j.entries[key] {
			j.entries[key] = true
			j.count(l.Saga, 1)
		}
	case j.entries[key]:
		delete(j.entries, key)
		j.count(l.Saga, -1)
	}
}

func (j *judge) late(l wire.LedgerRecord) {
	j.overdue[l.Saga]++
	if j.overdue[l.Saga] > 1 {
		j.failf("I7", "saga %.8s is said to be overdue twice", l.Saga)
	}
	if due := j.started_[l.Saga].Add(j.w.plan.deadline); j.w.now.Before(due) {
		j.failf("I7", "saga %.8s is said to be overdue %v too early", l.Saga, due.Sub(j.w.now))
	}
}

func (j *judge) end(r *record) {
	saga := string(r.Key)
	o, err := wire.DecodeOutcome(r.Value)
	if err != nil {
		j.failf("I5", "an outcome can't be read: %v", err)
		return
	}
	j.w.sayf("%.8s ends: %s, undone %v", saga, o.Outcome, o.Undone)
	if before, ok := j.outcome[saga]; ok {
		j.failf("I5", "saga %.8s ends as %s and as %s", saga, before, o.Outcome)
	}
	j.outcome[saga], j.ended[saga] = o.Outcome, j.w.now
	for i, step := range chain {
		key := saga + "/" + step.service + "/" + step.topic
		e := effect{done: j.taken[key] > 0, undone: j.effects[key].undone}
		switch {
		case o.Outcome == wire.Completed && (!e.done || e.undone):
			j.failf("I4", "saga %.8s is completed, but its step on %s isn't done", saga, step.topic)
		case o.Outcome != wire.Completed && e.done && !e.undone && j.w.plan.compensable[i]:
			j.failf("I4", "saga %.8s ended as %s, but its step on %s isn't undone", saga, o.Outcome, step.topic)
		}
	}
}

// chain is the steps with effects, in order.
var chain = []struct{ service, topic string }{{"home", topicStart}, {"first", topicA}, {"second", topicB}}

// inStream checks the order of what isn't a token.
func (j *judge) inStream(r *record) {
	if r.Topic != topicB || !j.isStream(string(r.Key)) {
		return
	}
	n, err := strconv.Atoi(string(r.Value))
	if err != nil || n != j.arrived[string(r.Key)]+1 {
		j.failf("I6", "event %s of stream %.8s comes after %d", r.Value, r.Key, j.arrived[string(r.Key)])
	}
	j.arrived[string(r.Key)] = n
}

// started is told of every handler that starts.
func (j *judge) started(m *member, e *saga.Execution) {
	if due := j.dues[m.group.service+"/"+e.Item.ID]; e.Item.Entry != nil && j.w.now.Before(due) && m.isOwner(e) {
		j.failf("I7", "%s: attempt %d comes %v too early", m, e.Attempt, due.Sub(j.w.now))
	}
	if saga := e.Item.Event.SagaID; e.Step.Role == wire.RoleEnd && j.turning[saga] && m.isOwner(e) {
		j.failf("I5", "the handler at the end of saga %.8s begins, although the saga is to be turned round", saga)
	}
}

// once is skaldsql.Once: it is false if the effect was undone.
func (j *judge) once(key string, it *saga.Item, service string) bool {
	e := j.effects[key]
	if e.undone {
		return false
	}
	if e.done {
		return true
	}
	e.done = true
	j.effects[key] = e
	j.w.sayf("%s takes effect for %.8s", service, it.Event.SagaID)
	step := it.Event.SagaID + "/" + service + "/" + it.Step.Topic
	j.taken[step]++
	if j.taken[step] > 1 {
		j.failf("I3", "the step on %s takes effect twice for saga %.8s", it.Step.Topic, it.Event.SagaID)
	}
	if o := j.outcome[it.Event.SagaID]; o != "" && o != wire.Completed && it.Step.Compensable {
		j.failf("I3", "the step on %s takes effect for saga %.8s, which ended as %s", it.Step.Topic, it.Event.SagaID, o)
	}
	return true
}

// undo is skaldsql.Undo: it leaves a tombstone.
func (j *judge) undo(it *saga.Item, service string) {
	key := call.IdempotencyKey(it.Undo.Stop.Effect, service, it.Topic)
	e := j.effects[key]
	if e.undone {
		return
	}
	e.undone = true
	if !e.done && j.w.bug == "an undo leaves no tombstone" {
		return
	}
	j.effects[key] = e
	for i, step := range chain {
		if step.topic != it.Undo.Stop.Topic {
			continue
		}
		order := j.undone[it.Event.SagaID]
		if len(order) > 0 && order[len(order)-1] < i {
			j.failf("I4", "saga %.8s: the step on %s is undone after one before it", it.Event.SagaID, step.topic)
		}
		j.undone[it.Event.SagaID] = append(order, i)
	}
	j.w.sayf("%s undoes for %.8s (%v)", service, it.Event.SagaID, e.done)
}
