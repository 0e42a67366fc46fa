package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/events"
)

// retry lets the current step's attempt fail; the next one is due after d.
func (w *world) retry(id, reason string, attempt int, due time.Time) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, step.Attempt, step.Attempts, step.Due = tracker.StepRetrying, reason, attempt, 8, due
		s.Status, s.Reason = tracker.Retrying, reason
		if step.Undo {
			s.Status = tracker.Compensating
		}
	})
}

// turn turns a saga round at its current step; undo is then to be done for the steps on these topics, the latest first.
func (w *world) turn(id, outcome, reason string, undo ...string) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished, step.Letter = tracker.StepTurned, step.Queued.Add(300*time.Millisecond), nil
		s.Status, s.Ending, s.EndingReason, s.Reason, s.ToUndo = tracker.Compensating, outcome, reason, reason, len(undo)
		s.Steps = append(s.Steps, w.undoStep(s, undo[0]))
	})
}

func (w *world) undoStep(s *tracker.Saga, topic string) tracker.Step {
	last := s.Steps[len(s.Steps)-1]
	service := map[string]string{"new-user": "provisioner", "authorize": "authorizer"}[topic]
	return tracker.Step{Hop: last.Hop + 1, Undo: true, Topic: topic, Service: service, State: tracker.StepQueued, Queued: last.Finished}
}

// undone finishes the current undo; the next one is of the step on that topic, or the saga ends.
func (w *world) undone(id, next string) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished = tracker.StepDone, step.Queued.Add(190*time.Millisecond)
		s.Undone, s.ToUndo = append(s.Undone, step.Service), s.ToUndo-1
		if next != "" {
			s.Steps = append(s.Steps, w.undoStep(s, next))
			return
		}
		s.Status, s.Outcome, s.Reason, s.Ended, s.Ending, s.ToUndo = s.Ending, s.Ending, s.EndingReason, step.Finished, "", 0
	})
}

// haltWithLetter makes the current step's event a dead letter that the log has.
func (w *world) haltWithLetter(id, reason string, offset int64) {
	w.halt(id, reason)
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.Attempt, step.Letter = 8, &tracker.LetterPlace{Partition: 1, Offset: offset, ID: "letter", Class: "failed"}
		w.letters = append(w.letters, tracker.Letter{Partition: 1, Offset: offset, ID: "letter", EventID: step.EventID, SagaID: id, Service: step.Service, Step: step.Topic, Status: tracker.LetterHalted})
		w.client.letters = append(w.client.letters, skald.DeadLetter{Partition: 1, Offset: offset, ID: "letter", EventID: step.EventID, SagaID: id, Service: step.Service, Step: step.Topic, Halted: true})
	})
}

// troubled is a world in which everything goes wrong that can.
func troubled() *world {
	w := newWorld()
	ms := time.Millisecond
	begin := func(name, department string, passed ...int) string {
		w.clock = w.clock.Add(700 * ms)
		email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com"
		id := w.onboard(events.NewUser{Name: name, Email: email, Department: department})
		for _, d := range passed {
			w.pass(id, time.Duration(d)*ms)
		}
		return id
	}
	w.turn(begin("Jun Takamori", "people", 520), wire.Rejected, "no policy grants anything to people", "new-user")
	w.undone(w.newest(), "")
	w.turn(begin("Greta Vantongeren", "sales", 440, 310), wire.Cancelled, "hired twice", "authorize", "new-user")
	w.undone(w.newest(), "new-user")
	w.undone(w.newest(), "")
	w.turn(begin("Bo Okafor", "support", 610, 270), wire.Abandoned, "no such mailbox, and nobody knows a better one", "authorize", "new-user")
	w.undone(w.newest(), "new-user")
	w.turn(begin("Edda Nystrom", "design", 370, 250), wire.Cancelled, "", "authorize", "new-user")
	w.retry(w.newest(), "database is locked", 1, w.clock.Add(time.Hour))
	w.turn(begin("Hamza El-Idrissi", "engineering", 370, 250), wire.Rejected, "the mailbox is somebody else's", "authorize", "new-user")
	w.undone(w.newest(), "new-user")
	w.alter(w.newest(), func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Attempt, step.Error, s.Status, s.Reason = tracker.StepBlocked, 12, "device NB16-00417 isn't in the inventory", tracker.Blocked, "device NB16-00417 isn't in the inventory"
	})
	w.haltWithLetter(begin("Cleo Marchetti", "sales", 330, 460), "SMTP 451 try again later", 7)
	w.retry(begin("Finn Briain", "engineering", 380, 1920), "SMTP 451 mailbox busy", 2, time.Now().Add(30*time.Minute))
	w.alter(begin("Dag Haraldsen", "finance", 290, 300), func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, s.Status = tracker.StepWaiting, "dial tcp 127.0.0.1:2525: connect: connection refused", tracker.Waiting
	})
	w.run(begin("Ivar Solheim", "design", 210))
	w.alter(w.newest(), func(s *tracker.Saga) { s.Ending, s.EndingReason = wire.Cancelled, "hired twice" })
	w.pass(begin("Ada Lindqvist", "engineering"), 440*ms)
	return w
}

// newest is the ID of the saga that began last.
func (w *world) newest() (id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var newest tracker.Saga
	for _, s := range w.sagas {
		if !s.Started.Before(newest.Started) {
			newest = s
		}
	}
	return newest.ID
}

func TestRowsTellOfTrouble(t *testing.T) {
	page := read(t, troubled(), "/")
	wants(t, page,
		"Attempt 3 of 8", "next try <span data-due=", "in 29 min", " · SMTP 451 mailbox busy", "Redrive…", "dead letter · SMTP 451 try again later",
		"no attempt is burnt · dial tcp", "Giving back", "Revoked", "Given back", "Discarded", "1 of 2 undone", "Undo, attempt 2 of 8", "0 of 2 undone",
		"Undo blocked", "Decide…", "Cancelling", "as soon as its token is found",
		"1 step undone · no policy grants anything to people", "2 steps undone · hired twice", "thread turned",
		"10 users: <b>4 on the way</b>, 1 of them retrying, 2 being undone, 1 halted, 1 blocked, 1 rejected, 1 cancelled",
		"1 blocked", "data-failures=\"authorizer\"")
	wants(t, read(t, troubled(), "/?trace=off"), "two are being undone", "two will not move again by themselves", "two were turned back")
}

func TestActionsOfASaga(t *testing.T) {
	w := troubled()
	h := New(w.config(t))
	_, server := serve(t, w.config(t))
	for _, saga := range w.sagas {
		page := fetched(t, server.URL+"/sagas/"+saga.ID+"/actions")
		buttons := strings.Count(page, "data-post=")
		want := map[string]int{
			tracker.Running: 1, tracker.Retrying: 1, tracker.Waiting: 1, tracker.Halted: 3, tracker.Blocked: 2, tracker.Compensating: 0,
			wire.Rejected: 0, wire.Cancelled: 0, wire.Completed: 0,
		}[saga.Status]
		if saga.Ending != "" && saga.Status == tracker.Running {
			want = 0
		}
		if buttons != want || !strings.Contains(page, "<p>"+saga.Sentence(time.Now())[:5]) {
			t.Errorf("%s: %d buttons, want %d\n%s", saga.Status, buttons, want, page)
		}
	}
	if got := ask(t, h, "GET", "/sagas/four/actions", "", nil); got.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestDemoFailures(t *testing.T) {
	w := newWorld()
	h := New(w.config(t))
	var got struct{ Failures []DemoFailures }
	ask(t, h, "PUT", "/api/v1/demo/failures/authorizer", `{"percent":20}`, &got)
	if len(got.Failures) != 3 || got.Failures[1] != (DemoFailures{"authorizer", 20}) || w.faults.Chaos()["authorizer"] != 0.2 {
		t.Errorf("%+v, %v", got, w.faults.Chaos())
	}
	for path, want := range map[string]int{`authorizer {"percent":51}`: 422, `authorizer {"percent":-1}`: 422, `authorizer {}`: 422, `payroll {"percent":5}`: 404} {
		service, body, _ := strings.Cut(path, " ")
		if answer := ask(t, h, "PUT", "/api/v1/demo/failures/"+service, body, nil); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
	}
}

// A step that is tried again counts down, and a saga is cancelled from its row by the keyboard alone.
func testCancel(_ *testing.T, b *tab, w *world, address string) {
	id := w.onboard(user("Ada"))
	w.pass(id, time.Second)
	w.pass(id, time.Second)
	b.open(address)
	w.retry(id, "SMTP 451", 2, time.Now().Add(time.Minute))
	b.waitText("#rows td:nth-child(4)", "Attempt 3 of 8")
	b.waitText("#service-notifier", "mails · 1 retrying")
	b.wait("parseFloat(document.querySelector('#rows [data-due]').textContent.slice(3)) < 59.5")
	b.do(chromedp.Focus("#rows td.act button"))
	b.press(kb.Enter)
	b.wait("document.querySelector('#act').open")
	b.waitText("#act", "attempt 3 of 8 in")
	b.do(chromedp.SendKeys("#act [name=reason]", "hired twice"))
	b.press(kb.Enter) // in the field: nothing is done by accident
	b.do(chromedp.Focus("#act [data-post]"))
	b.isTrue("document.querySelector('#act').open")
	b.press(kb.Enter)
	b.wait("!document.querySelector('#act').open")
	b.isTrue("document.activeElement === document.querySelector('#rows td.act button')")
	if asked := w.client.requests(); len(asked) != 1 || asked[0] != "cancel saga "+id+" at provisioner" {
		b.t.Errorf("asked %v", asked)
	}
	w.turn(id, wire.Cancelled, "hired twice", "authorize", "new-user")
	b.waitText("#rows td:nth-child(3)", "Revoking")
	b.waitText("#rows td:nth-child(4)", "Cancelled")
	b.waitText("#rows td:nth-child(5)", "0 of 2 undone")
	w.undone(id, "new-user")
	w.undone(id, "")
	b.waitText("#rows td:nth-child(2)", "Given back")
	b.waitText("#rows td:nth-child(5)", "2 steps undone · hired twice")
	b.wait("!document.querySelector('#rows td.act button')")
}

// A halted saga is redriven from its row; what is refused is said.
func testRedrive(_ *testing.T, b *tab, w *world, address string) {
	id := w.onboard(user("Ada"))
	w.pass(id, time.Second)
	w.haltWithLetter(id, "policy server: 503", 3)
	b.open(address)
	b.click("#rows .inline")
	b.wait("document.querySelector('#act').open")
	b.waitText("#act", "Halted at authorizer: dead letter after 8 attempts, policy server: 503.")
	b.click("#act [data-post$='/discard']")
	b.waitText("#act .wrong", "Say why")
	b.isTrue("document.activeElement.name === 'reason'")
	w.client.mu.Lock()
	w.client.answer = func(string) (skald.Answer, error) { return skald.Answer{Text: "it was redriven before"}, nil }
	w.client.mu.Unlock()
	b.click("#act [data-post$='/redrive']")
	b.waitText("#act .wrong", "it was redriven before")
	w.client.mu.Lock()
	w.client.answer = nil
	w.client.mu.Unlock()
	b.click("#act [data-post$='/redrive']")
	b.wait("!document.querySelector('#act').open")
	b.isTrue("document.activeElement === document.querySelector('#rows .inline')")
	if asked := w.client.requests(); len(asked) != 2 || asked[1] != "redrive dead letter 1/3 at authorizer" {
		b.t.Errorf("asked %v", asked)
	}
	w.run(id)
	w.alter(id, func(s *tracker.Saga) { s.Status = tracker.Running })
	b.waitText("#rows td:nth-child(3)", "granting")
}

func testFailures(_ *testing.T, b *tab, w *world, address string) {
	b.open(address)
	b.do(chromedp.Focus("#failures-authorizer input"))
	b.press(kb.ArrowRight + kb.ArrowRight)
	b.waitText("#failures-authorizer output", "10 %")
	deadline := time.Now().Add(patience)
	for w.faults.Chaos()["authorizer"] != 0.1 {
		if time.Now().After(deadline) {
			b.t.Fatalf("the chances are %v", w.faults.Chaos())
		}
		time.Sleep(10 * time.Millisecond) // polls a condition
	}
	if err := w.faults.SetChaos("notifier", 0.25); err != nil {
		b.t.Fatal(err)
	}
	w.onboard(user("Ada")) // any change brings the page up to date
	b.waitText("#failures-notifier output", "25 %")
}
