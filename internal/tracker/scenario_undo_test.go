package tracker

import (
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/wire"
)

// command writes what somebody asks of a service, and its answer.
func (w *sagaWriter) command(service string, c wire.Command, in *wire.Event) {
	c.ID = uuid.NewSHA1(uuid.Nil, []byte(w.id+c.Kind+w.tick().String())).String()
	c.Saga, c.By, c.Reason, c.Time = w.id, "desk-2", "hired twice", w.now
	headers := []wire.Header{{Key: wire.HeaderCommand, Value: c.Encode()}}
	var value []byte
	if in != nil {
		headers, value = append(headers, in.Headers()...), in.Payload
	}
	w.add("skald."+service+".inbox", w.partition, w.id, headers, value)
	w.ledger(service, wire.LedgerRecord{Op: wire.OpNote, ID: c.ID, Accepted: w.tick(), Answer: wire.AnswerAccepted, Reason: "it is being done"})
}

// open writes the initiator's entry for the saga once more, as it is now.
func (w *sagaWriter) open(change func(*wire.LedgerRecord)) {
	r := wire.LedgerRecord{Op: wire.OpPut, Kind: wire.KindOpen, ID: w.id, Workflow: "onboarding", Accepted: epoch, Due: epoch.Add(24 * time.Hour)}
	change(&r)
	w.ledger("provisioner", r)
}

// asked writes that the saga is to end otherwise, or is late.
func (w *sagaWriter) asked(i int) {
	if w.Overdue && i == w.Stops {
		w.ledger("provisioner", wire.LedgerRecord{
			Op: wire.OpNote, ID: wire.EventID(w.id, "provisioner", "deadline", 0), Accepted: w.tick(), Reason: "the deadline has passed", State: wire.StateOverdue,
		})
		w.open(func(r *wire.LedgerRecord) { r.Told, r.State = true, wire.StateOverdue })
	}
	if w.Asked && (w.As == wire.Cancelled || w.As == wire.Expired) {
		w.command("provisioner", wire.Command{Kind: wire.CommandCancel}, nil)
		w.open(func(r *wire.LedgerRecord) { r.Outcome, r.Reason, r.State = w.As, "hired twice", wire.StateTurning })
	}
}

// turn takes the saga back from a step over all that can be undone, that step's own work first.
func (w *sagaWriter) turn(i int, in *wire.Event) {
	var slip []wire.Stop
	for _, c := range chain[:i+1] {
		if c.topic == "new-user" || c.topic == "authorize" {
			slip = append(slip, wire.Stop{Service: c.service, Topic: c.topic, Effect: w.id, In: []byte(`{}`)})
		}
	}
	turn := wire.Turn{Outcome: w.As, Reason: "hired twice"}
	from, cause, hop := chain[i], in.ID, in.Hop
	seed := eventID(in, from.topic, &wire.Record{})
	for n := 0; len(slip) > 0; n++ {
		top := slip[len(slip)-1]
		route, err := wire.NewRoute(slip...)
		if err != nil {
			panic(err)
		}
		hop++
		undo := &wire.Event{
			ID: wire.EventID(seed, from.service, from.topic, -1), Source: wire.Source(from.service), Type: wire.UndoType, Time: w.tick(), Subject: in.Subject,
			SagaID: w.id, Workflow: "onboarding", CausationID: cause, Hop: hop, ContentType: "application/json", Route: route, Payload: turn.Encode(),
		}
		w.add("skald."+top.Service+".inbox", w.partition, w.id, undo.Headers(), undo.Payload)
		if !w.undo(n, top, undo) {
			return
		}
		turn.Undone = append(turn.Undone, top.Service)
		slip = slip[:len(slip)-1]
		from.service, from.topic, cause, seed = top.Service, top.Topic, undo.ID, undo.ID
	}
	out := &wire.Event{
		ID: wire.EventID(seed, from.service, from.topic, 0), Source: wire.Source(from.service), Type: wire.OutcomeType, Time: w.tick(), Subject: in.Subject,
		SagaID: w.id, Workflow: "onboarding", CausationID: cause, Hop: hop + 1, ContentType: "application/json",
		Payload: wire.Outcome{Outcome: turn.Outcome, Reason: turn.Reason, Undone: turn.Undone, Started: epoch, Ended: w.now}.Encode(),
	}
	w.add("skald.outcomes", w.partition, w.id, out.Headers(), out.Payload)
	if w.Twice {
		w.add("skald.outcomes", w.partition, w.id, out.Headers(), wire.Outcome{Outcome: wire.Abandoned, Reason: "a second one"}.Encode())
	}
	w.ledger("provisioner", wire.LedgerRecord{Op: wire.OpDelete, Kind: wire.KindOpen, ID: w.id})
}

// undo is what a service does with a token on its way back; it is false if the story ends there.
func (w *sagaWriter) undo(n int, stop wire.Stop, in *wire.Event) bool {
	work := wire.LedgerRecord{Op: wire.OpPut, Kind: wire.KindWork, ID: in.ID, Workflow: "onboarding", Step: stop.Topic, Accepted: w.tick(), Undo: true}
	if w.UndoTries {
		work.Attempt, work.Error, work.Due, work.State = 1, "database is locked", w.tick().Add(time.Second), wire.StateRetrying
		w.ledger(stop.Service, work)
	}
	if n == w.BlockedAt {
		blocked := work
		blocked.Kind, blocked.State, blocked.Due, blocked.Attempt, blocked.Error = wire.KindBlocked, wire.StateBlocked, time.Time{}, 10, "no such device"
		w.ledger(stop.Service, blocked)
		if !w.Unblocked {
			return false
		}
		w.command(stop.Service, wire.Command{Kind: wire.CommandUnblock, Decision: wire.DecideRetry}, nil)
		work.Attempt, work.Error, work.Due, work.State = 0, "", time.Time{}, wire.StateQueued
		w.ledger(stop.Service, work)
	}
	return n < w.UndoStops
}
