package saga_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestPageOfASagaThatIsTriedAgain(t *testing.T) {
	w, id := retrying()
	page := w.Read(t, "/sagas/"+id+"?event=notify/3/114")
	consoletest.Wants(t, page,
		"<h1>finn.obriain@example.com</h1>", "Waiting for notifier: attempt 3 of 5 in ", `aria-label="2 of 4 done"`, "2 of 4 done", "2 failed", "2 steps", "then overdue",
		`aria-disabled="true" title="There is no dead letter to redrive: the step is tried again by itself"`, `data-act="`+id+`"`, "Cancel…",
		"3 events, 2 ledger entries", "attempt 1 failed: 451 4.7.1 greylisted, try again later", "next try after 3.89 s",
		"Payload, 135 bytes, JSON", `<span class="k">&#34;grants&#34;</span>: [`, "ce_causationid", "<td>provisioner, authorizer</td>", "?event=authorize%2F3%2F107",
		"<b>notifier</b> tries again", "attempt 3 of 5", "then <code>notified</code>: provisioner completes it", "or, if attempt 5 fails, it halts as a dead letter", "at the latest, deadline",
		"<b>authorizer</b> undoes <code>authorize</code>", "closed as cancelled", "Actions by people", "begins and ends the saga", "authorize → notify", ">attempt 3</text>")
	if strings.Contains(page, "style=") {
		t.Error("a style attribute, which the security policy forbids")
	}
}

func TestPageOfASagaThatWasUndone(t *testing.T) {
	w, id := rejected()
	page := w.Read(t, "/sagas/"+id)
	consoletest.Wants(t, page, "Rejected after", "3 forward, 2 back", "1 failed", "undo, attempt 1 failed: database is locked", "<b>rejected</b>, by provisioner",
		"<b>authorizer</b> has undone <code>authorize</code>", "0.41 s, first attempt", "0.44 s, 2 attempts", "turned back</text>", "to be undone, by notifier: 550 5.1.1 no such mailbox")
	if strings.Contains(page, "data-act") || strings.Contains(page, "What comes next") {
		t.Error("there is nothing to decide any more")
	}
}

func TestPageOfASagaThatIsHalted(t *testing.T) {
	w, id := halted()
	page := w.Read(t, "/sagas/"+id)
	consoletest.Wants(t, page, "Halted at notifier", "<b>A person</b> redrives or discards the dead letter", "dead letter of notifier, failed: SMTP 451 try again later",
		"<b>redrive</b> asked by desk-2: mended", "<b>desk-2</b> asked: redrive, mended", "refused, it was redriven before", ">attempt 8</text>", "59 min ")
	if strings.Contains(page, "aria-disabled") {
		t.Error("a dead letter can be redriven")
	}
}

func TestNamesAndPayloadsAreText(t *testing.T) {
	w, id := hostile(t)
	page := w.Read(t, "/sagas/"+id+"?event=new-user/3/100")
	consoletest.Wants(t, page, "&lt;script&gt;alert", ": 9007199254740993,", "&lt;img src=x onerror=alert(1)&gt;", "/sagas?workflow=a%26b%22%3ci%3e", "b&#34;&lt;i&gt;</a>")
	for _, part := range []string{"<script>alert", "<img"} {
		if strings.Contains(page, part) {
			t.Errorf("the page has %s", part)
		}
	}
	consoletest.Wants(t, w.Read(t, "/sagas/"+id+"?event=authorize/3/107"), "5 bytes, bytes", "00000000  00 01 3c 62 3e")
}

func TestAPayloadThatIsLongIsADownload(t *testing.T) {
	w, id := retrying()
	w.Alter(id, func(s *tracker.Saga) { s.Steps[2].Payload = []byte(`"` + strings.Repeat("x", 1<<20) + `"`) })
	page := w.Read(t, "/sagas/"+id+"?event=notify/3/114")
	consoletest.Wants(t, page, "Payload, 1,048,578 bytes", "Too long to be shown here", "/api/v1/sagas/"+id+"/events/notify/3/114/payload")
	if len(page) > 100<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// A saga of a thousand events, of a workflow that nobody declares, without its beginning, with clocks that differ.
func TestOddSagasStayUsable(t *testing.T) {
	w := consoletest.NewWorld()
	w.Steps = nil
	id := w.Onboard(consoletest.User("Ada"))
	w.Alter(id, func(s *tracker.Saga) {
		s.Partial, s.Started, s.Workflow, s.Subject = true, time.Time{}, "", ""
		s.Steps = nil
		for i := range 1000 {
			s.Steps = append(s.Steps, tracker.Step{
				Hop: i + 5, Topic: "ping", Service: []string{"a", "b", ""}[i%3], State: tracker.StepDone, EventID: uuid.NewString(),
				Queued: w.Clock.Add(time.Duration(i%7) * time.Minute), Finished: w.Clock.Add(time.Duration(i) * time.Second), Payload: []byte("{}"),
			})
		}
		s.Steps[999].State = tracker.StepRunning
	})
	page := w.Read(t, "/sagas/"+id)
	consoletest.Wants(t, page, "no longer in the log", "800 earlier hops are left out", "their clocks differ", "901 to 1000", "Earlier", "999 done", "a service unknown yet")
	if rows := strings.Count(page, "data-row"); rows != 100 || len(page) > 400<<10 {
		t.Errorf("%d events on a page of %d bytes", rows, len(page))
	}
	consoletest.Wants(t, w.Read(t, "/sagas/"+id+"?from=1&scale=steps"), "1 to 100", "Later")
}

func TestAddressesThatAreGarbled(t *testing.T) {
	w, id := retrying()
	h := console.New(w.Config(t))
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"four": {400, "path.id"}, uuid.NewString(): {404, "no such saga"}, id + "?scale=log": {400, "query.scale"}, id + "?event=notify": {400, "query.event"},
		id + "?event=notify/-1/3": {400, "query.event"}, id + "?from=0": {400, "query.from"}, id + "?form=1": {400, "query.form"}, id + "?from=1&from=2": {400, "query.from"},
		id + "?" + url.QueryEscape("<b>") + "=1": {400, "query.<b>"}, id + "?a=%zz": {400, "query"},
	} {
		for _, live := range []string{"", "/live"} {
			at, query, found := strings.Cut(path, "?")
			if at += live; found {
				at += "?" + query
			}
			var p consoletest.Problem
			got := consoletest.Ask(t, h, "GET", "/sagas/"+at, "", &p)
			said := p.Detail
			for _, e := range p.Errors {
				said += " " + e.Location
			}
			if got.StatusCode != want.status || !strings.Contains(said, want.says) {
				t.Errorf("%s: %d %s, want %d with %q", at, got.StatusCode, said, want.status, want.says)
			}
		}
	}
	consoletest.Wants(t, w.Read(t, "/sagas/"+id+"?event=notify/3/4711"), "The saga has no record at notify/3/4711")
}

func TestLivePartsFollow(t *testing.T) {
	w, id := retrying()
	_, server := consoletest.Serve(t, w.Config(t))
	stream := consoletest.Follow(t, server.URL+"/sagas/"+id+"/live", "")
	type patch struct {
		Parts map[string]string `json:"parts"`
		Told  []string          `json:"told"`
	}
	first := consoletest.Decoded[patch](t, stream.Next("patch").Data)
	for _, part := range []string{"saga-title", "facts", "saga-timeline", "saga-events", "saga-panels"} {
		if first.Parts[part] == "" {
			t.Errorf("no %s at the beginning", part)
		}
	}
	w.Pass(id, 30*time.Second)
	for {
		next := consoletest.Decoded[patch](t, stream.Next("patch").Data)
		if len(next.Told) > 0 {
			if !strings.Contains(next.Parts["saga-events"], "notified") || !strings.Contains(next.Parts["saga-title"], "ring running") {
				t.Errorf("%v", next.Parts)
			}
			return
		}
		if next.Parts["saga-title"] != "" && strings.Contains(next.Parts["saga-title"], "Waiting for provisioner") {
			return // the status is still another: only the sentence has changed
		}
	}
}
