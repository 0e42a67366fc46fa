package saga_test

import (
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/events"
)

const ms = time.Millisecond

// retrying is a world with one saga whose notifier has failed twice.
func retrying() (*consoletest.World, string) {
	w := consoletest.NewWorld()
	w.Clock = time.Now().Add(-18400 * ms)
	id := w.Onboard(events.NewUser{Name: "Finn Ó Briain", Email: "finn.obriain@example.com", Department: "engineering"})
	w.Alter(id, func(s *tracker.Saga) { s.Deadline = s.Started.Add(24 * time.Hour) })
	pass(w, id, 60*ms, 380*ms)
	pass(w, id, 170*ms, 1920*ms)
	begun := w.Clock
	w.Alter(id, func(s *tracker.Saga) { s.Steps[2].Accepted = s.Steps[2].Queued.Add(400 * ms) })
	w.Fail(id, "451 4.7.1 greylisted, try again later", begun.Add(4311*ms), begun.Add(8200*ms))
	w.Fail(id, "451 4.7.1 greylisted, try again later", begun.Add(9607*ms), begun.Add(22600*ms))
	w.Alter(id, func(s *tracker.Saga) { s.Steps[2].Attempts = 5 })
	return w, id
}

// pass takes a saga through its current step: so long in the queue, so long in the handler.
func pass(w *consoletest.World, id string, queued, ran time.Duration) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.Accepted, step.Started, step.Attempt = step.Queued.Add(queued/2), step.Queued.Add(queued), 1
	})
	w.Pass(id, queued+ran)
}

// rejected is a saga that was turned back by the notifier, and undone at the second attempt.
func rejected() (*consoletest.World, string) {
	w := consoletest.NewWorld()
	id := w.Onboard(events.NewUser{Name: "Bo Okafor", Email: "bo.okafor@example.com", Department: "support"})
	pass(w, id, 60*ms, 650*ms)
	pass(w, id, 230*ms, 860*ms)
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[2]
		step.Accepted, step.Started, step.Attempt = step.Queued.Add(100*ms), step.Queued.Add(140*ms), 1
	})
	w.Turn(id, wire.Rejected, "550 5.1.1 no such mailbox", "authorize", "new-user")
	w.Alter(id, func(s *tracker.Saga) {
		s.Steps[2].Finished = s.Steps[2].Queued.Add(730 * ms)
		s.Steps[3].Queued = s.Steps[2].Finished
		undo := &s.Steps[3]
		undo.Accepted, undo.Started, undo.Attempt = undo.Queued.Add(200*ms), undo.Queued.Add(220*ms), 1
	})
	w.Undone(id, "new-user")
	w.Alter(id, func(s *tracker.Saga) {
		s.Steps[3].Finished = s.Steps[3].Started.Add(410 * ms)
		s.Steps[4].Queued = s.Steps[3].Finished
		s.Steps[4].Accepted = s.Steps[4].Queued.Add(70 * ms)
		s.Steps[4].EventID = "undo-2"
	})
	var undo tracker.Step
	w.Alter(id, func(s *tracker.Saga) { undo = s.Steps[4] })
	w.Fail(id, "database is locked", undo.Accepted.Add(280*ms), undo.Accepted.Add(640*ms))
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[4]
		step.Started, step.Attempt = undo.Accepted.Add(680*ms), 2
	})
	w.Undone(id, "")
	w.Alter(id, func(s *tracker.Saga) {
		s.Steps[4].Finished = s.Steps[4].Started.Add(440 * ms)
		s.Ended = s.Steps[4].Finished.Add(50 * ms)
	})
	return w, id
}

// halted is a saga with a dead letter for an hour, asked to be redriven once before.
func halted() (*consoletest.World, string) {
	w := consoletest.NewWorld()
	w.Clock = time.Now().Add(-time.Hour)
	id := w.Onboard(events.NewUser{Name: "Cleo Marchetti", Email: "cleo.marchetti@example.com", Department: "sales"})
	pass(w, id, 60*ms, 330*ms)
	pass(w, id, 90*ms, 460*ms)
	at := w.Clock.Add(1200 * ms)
	w.HaltWithLetter(id, "SMTP 451 try again later", 7)
	w.Alter(id, func(s *tracker.Saga) { s.Steps[2].Accepted = s.Steps[2].Queued.Add(30 * ms) })
	saga := w.ByID[id]
	w.Tell(id, tracker.Event{
		Topic: "skald.dlq", ID: "letter", Source: wire.Source("authorizer"), Type: "onboarding.notify", Time: at, Payload: []byte(`{"n":9007199254740993}`),
		Headers: [][2]string{{wire.LetterService, "notifier"}, {wire.LetterStep, "notify"}, {wire.LetterClass, "failed"}, {wire.LetterError, "SMTP 451 try again later"}, {wire.LetterEvent, saga.Steps[2].EventID}, {wire.LetterAttempts, "8"}},
	})
	command := wire.Command{ID: "2f1c2a50-6c1c-4a0e-9a55-0d6b2f6e2f11", Kind: wire.CommandRedrive, Saga: id, Letter: &wire.LetterRef{ID: "letter", Event: "e"}, By: "desk-2", Reason: "mended", Time: at.Add(time.Minute)}
	w.Tell(id, tracker.Event{Topic: "skald.notifier.inbox", ID: command.ID, Source: command.By, Type: tracker.CommandType, Time: command.Time, Payload: command.Encode(), ContentType: "application/json"})
	answer := wire.LedgerRecord{Op: wire.OpNote, ID: command.ID, Saga: id, Answer: wire.AnswerRefused, Reason: "it was redriven before"}
	w.Tell(id, tracker.Event{Topic: "skald.notifier.ledger", ID: command.ID, Source: wire.Source("notifier"), Type: tracker.NoteType, Time: command.Time.Add(ms), Payload: answer.Encode(), ContentType: "application/json"})
	return w, id
}

// hostile is a saga whose names and payloads are what nobody would want.
func hostile(t *testing.T) (*consoletest.World, string) {
	t.Helper()
	w := consoletest.NewWorld()
	id := w.Onboard(events.NewUser{Name: "x", Email: "x@example.com", Department: "sales"})
	w.Pass(id, time.Second)
	w.Alter(id, func(s *tracker.Saga) {
		s.Subject = `<script>alert("x")</script>` + "\x1b[2J" + strings.Repeat("long", 60)
		s.Workflow = `a&b"<i>`
		s.Steps[0].Payload = []byte(`{"n": 9007199254740993, "html": "<img src=x onerror=alert(1)>"}`)
		s.Steps[1].Payload = []byte("\x00\x01<b>")
		s.Steps[1].Error = "<b>"
	})
	return w, id
}
