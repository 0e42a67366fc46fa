package tracker

import (
	"strings"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// projectInbox: an inbox holds events that were forwarded there, tokens on their way back, and what people ask of the service.
func projectInbox(service string, r *wire.Record) (fact, skip, error) {
	origin := r.Header(wire.HeaderOrigin)
	switch {
	case r.Header(wire.HeaderCommand) != "":
		return projectCommand(r)
	case origin == "" && r.Header(wire.HeaderType) == wire.UndoType:
		return projectUndo(service, r)
	}
	return projectEvent(origin, r)
}

// projectCommand: a command is part of the saga's story, but no step of it. What it brings about is told by others.
func projectCommand(r *wire.Record) (fact, skip, error) {
	c, err := wire.DecodeCommand([]byte(r.Header(wire.HeaderCommand)))
	switch {
	case err != nil:
		return fact{}, skipCommand, err
	case c.Saga == "":
		return fact{}, skipNoSaga, nil
	}
	return fact{saga: store.SagaID(uuid.MustParse(c.Saga)), keep: true}, skipNone, nil
}

// projectUndo: a token on its way back begins the undoing of the step at the top of its slip, and ends what sent it.
func projectUndo(service string, r *wire.Record) (fact, skip, error) {
	f, skipped, err := projectEvent("", r)
	if skipped != skipNone || f.saga == (store.SagaID{}) {
		return f, skipped, err
	}
	e, parseErr := wire.Parse(r.Headers, r.Value)
	turn, turnErr := wire.DecodeTurn(r.Value)
	stops := e.Route.Stops()
	if parseErr != nil || turnErr != nil || len(stops) == 0 {
		return f, skipNone, err // its service makes a dead letter of it
	}
	queued := eventTime(e, r)
	f.input = inputFact{id: eventID(e, "", r), topic: text(stops[len(stops)-1].Topic, maxName), hop: e.Hop, queued: queued}
	f.input.undo = &undoFact{
		Service: text(service, maxName), Outcome: turn.Outcome, Reason: text(turn.Reason, maxError), Undone: undoneBy(turn.Undone),
	}
	for _, stop := range stops {
		if len(stop.In) > 0 {
			f.input.undo.Left++
		}
	}
	f.work = finished(e)
	f.work.turned = true
	return f, skipNone, nil
}

// undoneBy bounds a list of services, of which anybody may have written any number.
func undoneBy(services []string) string {
	const most = 64
	if len(services) > most {
		services = services[:most]
	}
	return text(strings.Join(services, "\n"), maxError)
}
