package tracker

import (
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// projectLetter: a dead letter halts the step whose event it holds, and so the saga, if it says so.
func projectLetter(r *wire.Record) (fact, skip, error) {
	l, err := wire.ParseLetter(r)
	if err != nil {
		return fact{}, skipLetter, err
	}
	e, _ := parseEvent(&l.Record) // may well be malformed: that can be why it is a letter
	f := fact{}
	if e.SagaID != "" {
		f = aboutSaga(e)
		f.started = startClaim{startOfAny, nanos(r.Time)}
	}
	event := l.Event
	if event == "" {
		event = eventID(e, l.Step, &l.Record)
	}
	f.letter = &letterState{
		Partition: r.Partition, Offset: r.Offset, ID: text(l.ID, maxID), Event: text(event, maxID), Service: text(l.Service, maxName),
		Step: text(l.Step, maxName), Class: text(l.Class, maxClass), Error: text(l.Error, maxError), Attempts: l.Attempts,
		Redrives: redrivesOf(l), Time: nanos(l.Time), Halted: l.Halted && f.saga != (store.SagaID{}),
	}
	if f.letter.Time == 0 {
		f.letter.Time = nanos(r.Time)
	}
	if f.letter.Halted {
		f.work = workFact{
			id: f.letter.Event, service: f.letter.Service, topic: f.letter.Step, hop: e.Hop, attempt: l.Attempts, phase: phaseHalted,
			redrives: f.letter.Redrives, err: f.letter.Error,
		}
	}
	return f, skipNone, nil
}

// redrivesOf says how often a letter's event had been given back before: that is in the letter's ID.
func redrivesOf(l *wire.Letter) int {
	const most = 100 // nobody gives an event back so often
	for n := range most {
		if l.ID == "" || wire.LetterID(l.Event, l.Service, l.Step, n) == l.ID {
			return n
		}
	}
	return 0
}
