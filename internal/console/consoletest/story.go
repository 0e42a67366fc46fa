package consoletest

import (
	"context"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Partition is where all of the script's sagas lie.
const Partition = 3

// EventsUpTo tells of the events that a saga's steps take, and of what was added by [World.Tell].
func (f *Tracker) EventsUpTo(_ context.Context, id string, most int) ([]tracker.Event, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	saga, ok := f.ByID[id]
	if !ok {
		return nil, tracker.ErrNotFound
	}
	var events []tracker.Event
	var route wire.Route
	source, cause := wire.Source("client"), ""
	for i, step := range saga.Steps {
		events = append(events, eventOf(&saga, i, source, cause, route))
		for _, told := range f.Told[id] {
			if told.Hop == step.Hop {
				events = append(events, told)
			}
		}
		if step.Undo {
			_, route, _ = route.Pop()
		} else if step.State == tracker.StepDone && i < 2 {
			route, _ = route.Push(wire.Stop{Service: step.Service, Topic: step.Topic, In: step.Payload})
		}
		source, cause = wire.Source(step.Service), step.EventID
	}
	if saga.Outcome != "" {
		o := wire.Outcome{Outcome: saga.Outcome, Reason: saga.Reason, Started: saga.Started, Ended: saga.Ended, Undone: saga.Undone}
		events = append(events, tracker.Event{
			Topic: "skald.outcomes", Partition: Partition, Offset: 7, ID: "outcome-" + id, Source: wire.Source("provisioner"), Type: wire.OutcomeType,
			Time: saga.Ended, Hop: len(saga.Steps), ContentType: "application/json", Payload: o.Encode(),
		})
	}
	for i := range events {
		events[i].Size = len(events[i].Payload)
		if most > 0 && events[i].Size > most {
			events[i].Payload = nil
		}
	}
	return events, f.Err
}

func eventOf(saga *tracker.Saga, i int, source, cause string, route wire.Route) tracker.Event {
	step := saga.Steps[i]
	e := &wire.Event{
		ID: step.EventID, Source: source, Type: "onboarding." + step.Topic, Time: step.Queued, Subject: saga.Subject, ContentType: "application/json",
		SagaID: saga.ID, Workflow: saga.Workflow, CausationID: cause, Hop: step.Hop, Route: route, TraceParent: "00-" + strings.ReplaceAll(saga.ID, "-", "") + "-00f067aa0ba902b7-01",
	}
	told := tracker.Event{
		Topic: step.Topic, Partition: Partition, Offset: int64(100 + 7*i), ID: e.ID, Source: source, Type: e.Type, Time: e.Time, Hop: e.Hop,
		CausationID: cause, ContentType: e.ContentType, Payload: step.Payload,
	}
	if step.Undo {
		told.Topic, told.Type = "skald."+step.Service+".inbox", wire.UndoType
		e.Type = wire.UndoType
		told.Payload = wire.Turn{Outcome: saga.Ending, Reason: saga.EndingReason, Undone: saga.Undone}.Encode()
	}
	for _, h := range e.Headers() {
		told.Headers = append(told.Headers, [2]string{h.Key, string(h.Value)})
	}
	return told
}

// Event finds one of them.
func (f *Tracker) Event(ctx context.Context, id, topic string, partition int32, offset int64) (tracker.Event, error) {
	events, err := f.EventsUpTo(ctx, id, 0)
	for _, e := range events {
		if err == nil && e.Topic == topic && e.Partition == partition && e.Offset == offset {
			return e, nil
		}
	}
	if err == nil {
		err = tracker.ErrNoEvent
	}
	return tracker.Event{}, err
}

// Tell adds a record to a saga's story, at the hop where it is.
func (w *World) Tell(id string, e tracker.Event) {
	w.Alter(id, func(s *tracker.Saga) {
		e.Hop = s.Steps[len(s.Steps)-1].Hop
		if e.Offset == 0 {
			e.Offset = int64(1000 + len(w.Told[id]))
		}
		e.Partition = Partition
		w.Told[id] = append(w.Told[id], e)
	})
}

// Fail lets an attempt of the current step fail at a time, as the ledger of its service tells; the next one is due then.
func (w *World) Fail(id, reason string, at, due time.Time) {
	w.Mu.Lock()
	saga := w.ByID[id]
	step := saga.Steps[len(saga.Steps)-1]
	w.Mu.Unlock()
	attempt := step.Attempt + 1
	l := wire.LedgerRecord{Op: wire.OpPut, Kind: wire.KindWork, State: wire.StateRetrying, ID: step.EventID, Saga: id, Step: step.Topic, Attempt: attempt, Error: reason, Due: due, Undo: step.Undo}
	w.Tell(id, tracker.Event{
		Topic: "skald." + step.Service + ".ledger", ID: step.EventID, Source: wire.Source(step.Service), Type: tracker.AttemptType, Time: at, Payload: l.Encode(), ContentType: "application/json",
	})
	w.Retry(id, reason, attempt, due)
}
