package onboarding_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func TestRowsTellOfTrouble(t *testing.T) {
	page := consoletest.Troubled().Read(t, "/")
	consoletest.Wants(t, page,
		"Attempt 3 of 8", "next try <span data-due=", "in 29 min", " · SMTP 451 mailbox busy", "Redrive…", "dead letter · SMTP 451 try again later",
		"no attempt is burnt · dial tcp", "Giving back", "Revoked", "Given back", "Discarded", "1 of 2 undone", "Undo, attempt 2 of 8", "0 of 2 undone",
		"Undo blocked", "Decide…", "Cancelling", "as soon as its token is found",
		"1 step undone · no policy grants anything to people", "2 steps undone · hired twice", "thread turned",
		"10 users: <b>4 on the way</b>, 1 of them retrying, 2 being undone, 1 halted, 1 blocked, 1 rejected, 1 cancelled",
		"1 blocked", "data-failures=\"authorizer\"")
	consoletest.Wants(t, consoletest.Troubled().Read(t, "/?trace=off"), "two are being undone", "two will not move again by themselves", "two were turned back")
}

func TestActionsOfASaga(t *testing.T) {
	w := consoletest.Troubled()
	h := console.New(w.Config(t))
	_, server := consoletest.Serve(t, w.Config(t))
	for _, saga := range w.ByID {
		page := consoletest.Fetch(t, server.URL+"/sagas/"+saga.ID+"/actions")
		buttons := strings.Count(page, "data-post=")
		want := map[string]int{
			tracker.Running: 2, tracker.Retrying: 2, tracker.Waiting: 2, tracker.Halted: 4, tracker.Blocked: 3, tracker.Compensating: 1,
			wire.Rejected: 0, wire.Cancelled: 0, wire.Completed: 0,
		}[saga.Status]
		if saga.Ending != "" && saga.Status == tracker.Running {
			want = 1
		}
		if buttons != want || !strings.Contains(page, "<p>"+saga.Sentence(time.Now())[:5]) {
			t.Errorf("%s: %d buttons, want %d\n%s", saga.Status, buttons, want, page)
		}
	}
	if got := consoletest.Ask(t, h, "GET", "/sagas/four/actions", "", nil); got.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestDemoFailures(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	var got struct{ Failures []api.DemoFailures }
	consoletest.Ask(t, h, "PUT", "/api/v1/demo/failures/authorizer", `{"percent":20}`, &got)
	if len(got.Failures) != 3 || got.Failures[1] != (api.DemoFailures{Service: "authorizer", Percent: 20}) || w.Faults.Chaos()["authorizer"] != 0.2 {
		t.Errorf("%+v, %v", got, w.Faults.Chaos())
	}
	for path, want := range map[string]int{`authorizer {"percent":51}`: 400, `authorizer {"percent":-1}`: 400, `authorizer {}`: 400, `payroll {"percent":5}`: 404} {
		service, body, _ := strings.Cut(path, " ")
		if answer := consoletest.Ask(t, h, "PUT", "/api/v1/demo/failures/"+service, body, nil); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
	}
}

// A step that is tried again counts down, and a saga is cancelled from its row by the keyboard alone.
func testCancel(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	id := w.Onboard(consoletest.User("Ada"))
	w.Pass(id, time.Second)
	w.Pass(id, time.Second)
	b.Open(address)
	w.Retry(id, "SMTP 451", 2, time.Now().Add(time.Minute))
	b.WaitText("#rows td:nth-child(4)", "Attempt 3 of 8")
	b.WaitText("#service-notifier", "mails · 1 retrying")
	b.Wait("parseFloat(document.querySelector('#rows [data-due]').textContent.slice(3)) < 59.5")
	b.Do(chromedp.Focus("#rows td.act button"))
	b.Press(kb.Enter)
	b.Wait("document.querySelector('#act').open")
	b.WaitText("#act", "attempt 3 of 8 in")
	b.Do(chromedp.SendKeys("#act [name=reason]", "hired twice"))
	b.Press(kb.Enter) // in the field: nothing is done by accident
	b.Do(chromedp.Focus("#act [data-post]"))
	b.IsTrue("document.querySelector('#act').open")
	b.Press(kb.Enter)
	b.Wait("!document.querySelector('#act').open")
	b.IsTrue("document.activeElement === document.querySelector('#rows td.act button')")
	if asked := w.Client.Requests(); len(asked) != 1 || asked[0] != "cancel saga "+id+" at provisioner" {
		b.T.Errorf("asked %v", asked)
	}
	w.Turn(id, wire.Cancelled, "hired twice", "authorize", "new-user")
	b.WaitText("#rows td:nth-child(3)", "Revoking")
	b.WaitText("#rows td:nth-child(4)", "Cancelled")
	b.WaitText("#rows td:nth-child(5)", "0 of 2 undone")
	w.Undone(id, "new-user")
	w.Undone(id, "")
	b.WaitText("#rows td:nth-child(2)", "Given back")
	b.WaitText("#rows td:nth-child(5)", "2 steps undone · hired twice")
	b.Wait("!document.querySelector('#rows td.act button')")
}

// A halted saga is redriven from its row; what is refused is said.
func testRedrive(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	id := w.Onboard(consoletest.User("Ada"))
	w.Pass(id, time.Second)
	w.HaltWithLetter(id, "policy server: 503", 3)
	b.Open(address)
	b.Click("#rows .inline")
	b.Wait("document.querySelector('#act').open")
	b.WaitText("#act", "Halted at authorizer: dead letter after 8 attempts, policy server: 503.")
	b.Click("#act [data-post$='/discard']")
	b.WaitText("#act .wrong", "Say why")
	b.IsTrue("document.activeElement.name === 'reason'")
	w.Client.Mu.Lock()
	w.Client.Answer = func(string) (skald.Answer, error) { return skald.Answer{Text: "it was redriven before"}, nil }
	w.Client.Mu.Unlock()
	b.Click("#act [data-post$='/redrive']")
	b.WaitText("#act .wrong", "it was redriven before")
	w.Client.Mu.Lock()
	w.Client.Answer = nil
	w.Client.Mu.Unlock()
	b.Click("#act [data-post$='/redrive']")
	b.Wait("!document.querySelector('#act').open")
	b.IsTrue("document.activeElement === document.querySelector('#rows .inline')")
	if asked := w.Client.Requests(); len(asked) != 2 || asked[1] != "redrive dead letter 1/3 at authorizer" {
		b.T.Errorf("asked %v", asked)
	}
	w.Run(id)
	w.Alter(id, func(s *tracker.Saga) { s.Status = tracker.Running })
	b.WaitText("#rows td:nth-child(3)", "granting")
}

func testFailures(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Do(chromedp.Focus("#failures-authorizer input"))
	b.Press(kb.ArrowRight + kb.ArrowRight)
	b.WaitText("#failures-authorizer output", "10 %")
	deadline := time.Now().Add(consoletest.Patience)
	for w.Faults.Chaos()["authorizer"] != 0.1 {
		if time.Now().After(deadline) {
			b.T.Fatalf("the chances are %v", w.Faults.Chaos())
		}
		time.Sleep(10 * time.Millisecond) // polls a condition
	}
	if err := w.Faults.SetChaos("notifier", 0.25); err != nil {
		b.T.Fatal(err)
	}
	w.Onboard(consoletest.User("Ada")) // any change brings the page up to date
	b.WaitText("#failures-notifier output", "25 %")
}
