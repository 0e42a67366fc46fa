package failures_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func read(t *testing.T, h *console.Handler, path string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if answer.Code != 200 {
		t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func has(t *testing.T, page string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
}

// The page says it all without any script.
func TestPageTellsOfCauses(t *testing.T) {
	h := console.New(failing().Config(t))
	defer h.Close()
	page := read(t, h, "/failures")
	has(t, page, "256 dead letters are open, in 3 groups by cause.", `id="badge-failures" ><span class="hidden-text">, open dead letters: </span>256<`,
		"SMTP 451 4.7.1 greylisted", "212 open.", "Redrive all 212…", "Discard all 212…", `href="/sagas?cause=`+greylisted+`&amp;status=halted"`,
		"212 letters in the last", `class="fill-halted"`, "Redrive one…")
	page = read(t, h, "/failures?cause="+panicked)
	has(t, page, "66 letters since", "28 redriven and done, 3 decided otherwise and 35 open.", "authorizer v0.4.3 has run since", "on all 2 instances, so a redrive is likely to pass",
		"Decided sagas are left out: 3.", `<span class="hot">panic: assignment to entry in nil map</span>`, `<span class="own">github.com/acme/onboarding/authorizer`, "internal/engine.(*session).handle(0xc0003f8c00)\n")
	if strings.Contains(page, `<span class="own">github.com/skald-saga`) {
		t.Error("a function of Skald's is shown as the author's own")
	}
	page = read(t, h, "/failures?tab=event&cause="+panicked)
	has(t, page, "12345678901234567890", "ce_type", "a\u241b&lt;b&gt;\ufffd")
	has(t, read(t, h, "/failures?tab=event&cause="+unknown), "data-edit=")
	page = read(t, h, "/failures?tab=letters&cause="+panicked)
	has(t, page, "50 letters of 66, the newest first", `rel="next"`, ">Open<", "data-act=")
	has(t, read(t, h, "/failures?tab=audit&cause="+panicked), "Nobody has asked anything of this cause")
	consoletest.Ask(t, h, "POST", "/api/v1/causes/"+panicked+"/redrive", `{"limit":1,"by":"desk-2","reason":"mended now"}`, nil)
	consoletest.Ask(t, h, "POST", "/api/v1/causes/"+unknown+"/redrive", `{"limit":1,"by":"desk-3"}`, nil)
	page = read(t, h, "/failures?tab=audit&cause="+panicked)
	has(t, page, "desk-2", "redrive-cause", "mended now")
	if strings.Contains(page, "desk-3") {
		t.Error("what was asked of another cause is told here")
	}
	page = read(t, h, "/failures?state=discarded")
	has(t, page, "3 dead letters ended with their sagas", "panic: assignment")
	if strings.Contains(page, "greylisted") {
		t.Error("an open cause is listed among the discarded ones")
	}
	has(t, read(t, h, "/failures?state=redriven"), "28 dead letters were given back, in 1 group by cause.")
	empty := console.New(consoletest.NewWorld().Config(t))
	defer empty.Close()
	has(t, read(t, empty, "/failures"), "No dead letter is open", `id="badge-failures" hidden`)
	has(t, read(t, empty, "/failures?state=loose"), "No letter of no saga")
}

func TestGarbledAddresses(t *testing.T) {
	h := console.New(failing().Config(t))
	defer h.Close()
	for query, where := range map[string]string{
		"cuase=1": "query.cuase", "cause=zz": "query.cause", "cause=1&cause=2": "query.cause", "state=shut": "query.state", "tab=log": "query.tab",
		"cursor=5": "query.cursor", "groups=aaaaaaaaaaaa": "query.groups", "tab=letters&cursor=zz&cause=" + panicked: "query.cursor",
	} {
		var got consoletest.Problem
		if answer := consoletest.Ask(t, h, "GET", "/failures?"+query, "", &got); answer.StatusCode != http.StatusBadRequest || len(got.Errors) != 1 || got.Errors[0].Location != where {
			t.Errorf("%s: %d %+v", query, answer.StatusCode, got)
		}
	}
	for query, where := range map[string]string{"groups=a,b": "query.groups", "rows=1": "query.rows", "rows=1.-2": "query.rows", "rows=" + strings.Repeat("1.1,", 50) + "1.1": "query.rows"} {
		var got consoletest.Problem
		if answer := consoletest.Ask(t, h, "GET", "/failures/live?"+query, "", &got); answer.StatusCode != http.StatusBadRequest || got.Errors[0].Location != where {
			t.Errorf("%s: %d %+v", query, answer.StatusCode, got)
		}
	}
	var got consoletest.Problem
	if answer := consoletest.Ask(t, h, "GET", "/failures?cause=000000000000", "", &got); answer.StatusCode != http.StatusNotFound || !strings.Contains(got.Detail, "no dead letter has the cause") {
		t.Errorf("%d %+v", answer.StatusCode, got)
	}
}

// Errors and payloads are what anybody may have written.
func TestHostileLetters(t *testing.T) {
	w := consoletest.NewWorld()
	huge := "<script>alert(1)</script>\x1b[2J\u202e" + strings.Repeat("é", 1<<19)
	w.AddLetter(tracker.Letter{
		Partition: 1, ID: "l", EventID: "e", SagaID: uuid.NewString(), Subject: "<b>\x00", Service: "notifier", Step: "notify", Class: "panic", Error: huge, Status: tracker.LetterHalted,
		Cause: greylisted, Time: time.Now(),
	}, strings.Repeat("[", 1<<20))
	w.Client.Letters[0].Stack = strings.Repeat("\tx\n", 1<<20)
	h := console.New(w.Config(t))
	defer h.Close()
	for _, tab := range []string{"error", "event", "letters"} {
		page := read(t, h, "/failures?tab="+tab+"&cause="+greylisted)
		has(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;\u241b[2J\ufffd")
		if strings.Contains(page, "<script>alert") || len(page) > 1<<20 {
			t.Errorf("%s: %d bytes", tab, len(page))
		}
	}
	w.Client.Letters, w.Client.Unlooked = nil, errors.New("no broker answers")
	has(t, read(t, h, "/failures?tab=event&cause="+greylisted), "The letter itself can’t be read from the broker: no broker answers")
	w.Err = errors.New("disk I/O error")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/failures", nil))
	var got consoletest.Problem
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != 500 {
		t.Errorf("%d %v %s", answer.Code, err, answer.Body)
	}
}
