package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

// A person whose address is wrong gets a page that says so and leads on; a program gets the problem.
func TestWrongAddressesArePagesForPeople(t *testing.T) {
	w := consoletest.Troubled()
	h := console.New(w.Config(t))
	t.Cleanup(h.Close)
	for path, want := range map[string]struct {
		status     int
		said, back string
	}{
		"/nowhere":                    {404, "No page has the address /nowhere.", `href="/">Go to Onboarding`},
		"/sagas/four":                 {400, "Id: the ID of a saga is expected: a UUID.", `href="/sagas">Go to Sagas`},
		"/sagas/" + uuid.NewString():  {404, "No such saga.", `href="/sagas">Go to Sagas`},
		"/sagas?status=lost":          {400, "Status: must be one of running", `href="/sagas">Go to Sagas`},
		"/sagas?limit=5":              {400, "Limit: there is no such parameter.", `href="/sagas">Go to Sagas`},
		"/map?window=2h":              {400, "Window: must be 1m, 5m, 15m or 1h.", `href="/map">Go to Map`},
		"/failures?cause=zz":          {400, "Cause: must be the key of a cause", `href="/failures">Go to Failures`},
		"/services?window=x":          {400, "Window: must be 1m, 5m, 15m or 1h.", `href="/services">Go to Services`},
		"/audit?cursor=zz":            {400, "Cursor: isn&#39;t one that a page gave as its next.", `href="/audit">Go to Audit`},
		"/?trace=maybe":               {400, "Trace: on or off is expected.", `href="/">Go to Onboarding`},
		"/%3Cscript%3Ealert(1)":       {404, "No page has the address /&lt;script&gt;alert(1).", `href="/">Go to Onboarding`},
		"/servicesandmore?x=%00%1b[1": {404, "No page has the address /servicesandmore.", `href="/">Go to Onboarding`},
	} {
		read := func(accept string) (*httptest.ResponseRecorder, string) {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Accept", accept)
			out := httptest.NewRecorder()
			h.ServeHTTP(out, r)
			return out, out.Body.String()
		}
		out, page := read("text/html,application/xhtml+xml,*/*;q=0.8")
		if kind := out.Header().Get("Content-Type"); out.Code != want.status || kind != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", path, out.Code, kind)
		}
		for _, text := range []string{"<h1>", want.said, want.back, `<nav aria-label="Console">`} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page doesn't have %q", path, text)
			}
		}
		if strings.Contains(page, "data-live=") {
			t.Errorf("%s: a page of something that isn't there follows it", path)
		}
		if out, _ := read("*/*"); out.Code != want.status || out.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: a program gets %d %s", path, out.Code, out.Header().Get("Content-Type"))
		}
	}
	got := consoletest.Ask(t, h, http.MethodGet, "/api/v1/nowhere", "", &consoletest.Problem{}, "Accept", "text/html")
	if got.StatusCode != http.StatusNotFound {
		t.Errorf("the API answers a browser with %d", got.StatusCode)
	}
}
