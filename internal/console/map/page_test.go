package chart_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func get(t *testing.T, w *consoletest.World, path string) string {
	t.Helper()
	_, server := consoletest.Serve(t, w.Config(t))
	return consoletest.Fetch(t, server.URL+path)
}

// nothing is a world without services.
func nothing() *consoletest.World {
	w := consoletest.NewWorld()
	w.Known, w.Steps, w.Ways = nil, nil, nil
	return w
}

func has(t *testing.T, page string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't have %q", want)
		}
	}
}

func TestMapOfAWorkflow(t *testing.T) {
	page := get(t, consoletest.Mapped(), "/map?workflow=onboarding")
	has(t, page, `aria-current="page"`, "One thing to look at", "12 stuck", "42/s", "48/s · lag 1,402", "36/s come home", "Provisioner begins it with new-user, and notified brings it home.",
		`<td>onboarding</td><td class="num">42/s</td><td class="num">1,402</td><td class="num">3.90 s</td><td class="num">41.0 s</td><td class="num">2.40 s</td>`,
		`class="strand dim"`, `class="strand watch"`, `class="strand odd"`, "undo of <code>authorize</code>", "ends the saga", "reads along", "14 in all",
		"/api/v1/map?format=svg&amp;window=5m&amp;workflow=onboarding", "notifier sends to sms-out, and nobody has declared to read it.")
	if strings.Contains(page, "style=") || strings.Contains(page, "<style") {
		t.Error("a style, which the security policy forbids")
	}
	if first, second := strings.Index(page, "<td>onboarding</td>"), strings.Index(page, "<td>helpdesk</td>"); first < 0 || second < first {
		t.Error("the chosen workflow's hops don't come first")
	}
}

func TestAHopIsTold(t *testing.T) {
	w := consoletest.Mapped()
	has(t, get(t, w, "/map?hop=notify%2Fnotifier"), "Twelve sagas are stuck here. This hop takes 41.0 s; usually 2.40 s.", "usual p99 shaded", "onboarding 88 %", "p99 41.0 s", "helpdesk 13 %",
		"/sagas?service=notifier&amp;status=retrying&amp;topic=notify", "/sagas?service=notifier&amp;stuck=true&amp;topic=notify", "Show the 12 stuck sagas", "/sagas?service=notifier&amp;status=halted&amp;topic=notify", "1,072", "212", `class="topic slow chosen"`, `<tr class="chosen">`)
	has(t, get(t, w, "/map?hop=sms-out%2F"), "<code>sms-out</code> → nobody", "Notifier sends to sms-out, and nobody has declared to read it.")
	has(t, get(t, w, "/map?hop=notify%2Faudit"), "audit reads along, outside of the saga.")
	w.Ways[7].P99, w.Ways[3].P99 = 0, 0
	has(t, get(t, w, "/map?hop=notified%2Fprovisioner&window=1m"), "No event was handled here in the last 1 min.")
}

func TestClosedLoopsAreSaid(t *testing.T) {
	w := consoletest.Mapped()
	w.Ways = nil
	has(t, get(t, w, "/map"), "Every branch returns to its initiator", "Five services are chained by five topics.")
	w.Steps = w.Steps[:4] // without the provisioner
	w.Steps = append(w.Steps, tracker.Declaration{Service: "provisioner", Steps: []tracker.DeclaredStep{{Role: wire.RoleBegin, Workflow: "onboarding", Topic: "new-user", EndTopic: "done", Next: []string{"authorize"}}}})
	has(t, get(t, w, "/map?workflow=onboarding"), "Not every branch returns to its initiator", "provisioner begins onboarding and doesn&#39;t end it", "Not every branch of it comes home.")
	has(t, get(t, nothing(), "/map"), "Nothing to draw yet")
	if strings.Contains(get(t, nothing(), "/map"), "0/s") {
		t.Error("figures of nothing")
	}
}

func TestNamesAreText(t *testing.T) {
	w := consoletest.NewWorld()
	odd := `<img src=x onerror=alert(1)>"'&` + "\x1b[2J"
	w.Known = []tracker.Service{{Name: odd}}
	w.Steps = []tracker.Declaration{{Service: odd, Steps: []tracker.DeclaredStep{{Role: wire.RoleBegin, Workflow: odd, Topic: odd, EndTopic: odd + "2", Next: []string{odd + "2"}}, {Role: wire.RoleEnd, Workflow: odd, Topic: odd + "2"}}}}
	w.Ways = []tracker.Hop{{Workflow: odd, From: odd, Topic: odd + "3", Rate: 1}}
	page := get(t, w, "/map")
	if strings.Contains(page, "<img") {
		t.Error("markup from outside")
	}
	has(t, page, "&lt;img src=x onerror=alert(1)&gt;")
}

func TestParametersAreChecked(t *testing.T) {
	w := consoletest.Mapped()
	h := console.New(w.Config(t))
	for path, want := range map[string]struct {
		status   int
		location string
	}{
		"/map?window=2h":              {http.StatusBadRequest, "query.window"},
		"/map?workflow=none":          {http.StatusBadRequest, "query.workflow"},
		"/map?hop=notify":             {http.StatusBadRequest, "query.hop"},
		"/map?hop=/x":                 {http.StatusBadRequest, "query.hop"},
		"/map?hop=x/y":                {http.StatusNotFound, ""},
		"/map?wokflow=onboarding":     {http.StatusBadRequest, "query.wokflow"},
		"/map?window=1m&window=5m":    {http.StatusBadRequest, "query.window"},
		"/map/live?window=x":          {http.StatusBadRequest, "query.window"},
		"/map/live?workflow=none":     {http.StatusBadRequest, "query.workflow"},
		"/map?workflow=%3Cscript%3E":  {http.StatusBadRequest, "query.workflow"},
		"/map/live?hop=nothing/there": {http.StatusNotFound, ""},
	} {
		var p consoletest.Problem
		got := consoletest.Ask(t, h, "GET", path, "", &p)
		if got.StatusCode != want.status || want.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != want.location) {
			t.Errorf("%s: %d %+v", path, got.StatusCode, p)
		}
	}
	w.Mu.Lock()
	w.Err = errors.New("disk full")
	w.Mu.Unlock()
	if got := consoletest.Ask(t, console.New(w.Config(t)), "GET", "/map", "", nil); got.StatusCode != http.StatusInternalServerError {
		t.Error(got.StatusCode)
	}
}
