package audit_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func users(t *testing.T) (_ *access.Users, tokens map[access.Role]string) {
	t.Helper()
	tokens = map[access.Role]string{}
	var file strings.Builder
	for _, role := range []access.Role{access.Viewer, access.Operator} {
		tokens[role] = access.NewSecret()
		entry, err := access.TokenLine("the-"+string(role), role, tokens[role])
		if err != nil {
			t.Fatal(err)
		}
		file.WriteString(entry)
	}
	all, err := access.Parse([]byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	return all, tokens
}

func TestWhatIsAskedForIsNoted(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	var tokens map[access.Role]string
	cfg.Users, tokens = users(t)
	h := console.New(cfg)
	id := w.Onboard(consoletest.User("Ada"))
	over := w.Onboard(consoletest.User("Bo"))
	w.Complete(over, 1)
	ask := func(role access.Role, method, path, body string, headers ...string) {
		consoletest.Ask(t, h, method, path, body, nil, append(headers, "Authorization", "Bearer "+tokens[role])...)
	}
	ask(access.Operator, "GET", "/api/v1/sagas", "")
	ask(access.Operator, "POST", "/api/v1/sagas/"+id+"/cancel", `{"reason":"hired twice","by":"eve"}`)
	ask(access.Operator, "POST", "/api/v1/sagas/"+over+"/abandon", `{"reason":"lost"}`)
	ask(access.Viewer, "POST", "/api/v1/sagas/"+id+"/cancel", `{"reason":"hired twice"}`)
	ask(access.Operator, "POST", "/api/v1/sagas", `{"workflow":"onboarding","input":{"name":"Cleo","email":"cleo@example.com","department":"sales"}}`)
	ask(access.Operator, "POST", "/api/v1/sagas", `{"workflow":"payroll","input":{}}`)
	ask(access.Operator, "PUT", "/api/v1/demo/lag", `{"min":"0s","max":"1s"}`)
	ask(access.Operator, "POST", "/api/v1/demo/services/notifier/stop", "")
	ask(access.Operator, "POST", "/api/v1/demo/services/a%00b/stop", "")
	ask(access.Operator, "DELETE", "/nowhere", "")
	ask(access.Operator, "POST", "/api/v1/demo/hires", "", "Sec-Fetch-Site", "cross-site")
	var got []string
	for _, e := range w.Audited {
		if e.Time.IsZero() || e.From != "192.0.2.1" {
			t.Errorf("%+v", e)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s %d", e.Who, e.Role, e.Action, e.About, e.Input, e.Status))
	}
	want := []string{
		"the-operator operator cancel-saga " + id + ` {"reason":"hired twice"} 200`,
		"the-operator operator abandon-saga " + over + ` {"reason":"lost"} 409`,
		"the-viewer viewer cancel-saga " + id + "  403",
		`the-operator operator start-saga  {"workflow":"onboarding"} 202`,
		`the-operator operator start-saga  {"workflow":"payroll"} 400`,
		`the-operator operator set-lag  {"max":"1s","min":"0s"} 200`,
		"the-operator operator stop-service notifier  200",
		"the-operator operator stop-service a\uFFFDb  404",
		"the-operator operator DELETE /nowhere   404",
		"the-operator operator onboard-next-hire   403",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, says := range map[int]string{
		0: "it is being done", 1: "the saga has ended", 2: "this needs the role operator, and the-viewer is a viewer", 3: w.IDs()[2],
		4: `the request is not valid; body.workflow: "payroll" is none`, 9: "this request comes from another site",
	} {
		if !strings.Contains(w.Audited[i].Answer, says) {
			t.Errorf("%d: %q, want %q in it", i, w.Audited[i].Answer, says)
		}
	}

	var first, second struct {
		Entries []api.AuditEntry
		Next    string
	}
	consoletest.Ask(t, h, "GET", "/api/v1/audit?limit=6", "", &first, "Authorization", "Bearer "+tokens[access.Viewer])
	consoletest.Ask(t, h, "GET", "/api/v1/audit?limit=6&cursor="+first.Next, "", &second, "Authorization", "Bearer "+tokens[access.Viewer])
	if len(first.Entries) != 6 || len(second.Entries) != 4 || second.Next != "" || first.Entries[0].Action != "onboard-next-hire" || second.Entries[3].Action != "cancel-saga" {
		t.Errorf("%+v\n%+v", first, second)
	}
	var p consoletest.Problem
	if got := consoletest.Ask(t, h, "GET", "/api/v1/audit?cursor=x", "", &p, "Authorization", "Bearer "+tokens[access.Viewer]); got.StatusCode != http.StatusBadRequest || p.Errors[0].Location != "query.cursor" {
		t.Errorf("%d %+v", got.StatusCode, p)
	}
}

func TestWithoutUsersItIsNotedWhoSaysSo(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	id := w.Onboard(consoletest.User("Ada"))
	consoletest.Ask(t, h, "POST", "/api/v1/sagas/"+id+"/cancel", `{"by":"eve"}`, nil)
	if e := w.Audited[0]; e.Who != "eve" || e.Role != "operator" || e.Input != "" {
		t.Errorf("%+v", e)
	}
	w.Err = errors.New("the database is away")
	if got := consoletest.Ask(t, h, "PUT", "/api/v1/demo/lag", `{"min":"0s","max":"1s"}`, nil); got.StatusCode != http.StatusOK || len(w.Audited) != 1 {
		t.Errorf("without an audit: %d, %+v", got.StatusCode, w.Audited)
	}
}

func TestAuditPage(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	read := func(path string, status int) string {
		r, answer := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != status {
			t.Errorf("%s: %d", path, answer.Code)
		}
		return answer.Body.String()
	}
	if got := read("/audit", 200); !strings.Contains(got, "Nothing was asked for yet") {
		t.Error(got)
	}
	for i := range 60 {
		w.Audited = append(w.Audited, tracker.AuditEntry{Time: w.Clock, Who: "<b>ada", Action: fmt.Sprintf("action-%d.", i), Answer: strings.Repeat("x", 500)})
	}
	first, second := read("/audit", 200), read("/audit?cursor=10", 200)
	if !strings.Contains(first, "action-59.") || !strings.Contains(first, "action-10.") || strings.Contains(first, "action-9.") || !strings.Contains(first, `href="/audit?cursor=10"`) || !strings.Contains(first, `data-live="/audit/live"`) {
		t.Error(first)
	}
	if !strings.Contains(second, "action-9.") || !strings.Contains(second, "action-0.") || !strings.Contains(second, `href="/audit"`) || strings.Contains(second, "data-live=") || strings.Contains(second, "<b>ada") {
		t.Error(second)
	}
	read("/audit?cursor=x", 400)
	read("/audit?page=2", 400)
}

// Who only counts asks for nothing, unless it is refused; of a bulk action it's noted which sagas were meant, and of another payload that there is one.
func TestDryRunsAreNotNotedAndFiltersAre(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	id := w.Onboard(consoletest.User("Ada"))
	for _, body := range []string{
		`{"action":"cancel","filter":{"workflow":"onboarding"},"dry_run":true}`,
		`{"action":"cancel","filter":{"status":"lost"},"dry_run":true}`,
		`{"action":"cancel","filter":{"workflow":"onboarding","older_than":"1h"},"reason":"the import was wrong"}`,
		`{"action":"cancel","ids":["` + id + `"],"reason":"hired twice"}`,
	} {
		consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", body, nil)
	}
	consoletest.Ask(t, h, "POST", "/api/v1/letters/1/1/redrive", `{"payload":{"email":"secret"}}`, nil)
	var got []string
	for _, e := range w.Audited {
		got = append(got, fmt.Sprintf("%s %s %d", e.Action, e.Input, e.Status))
	}
	want := []string{
		`bulk-sagas {"action":"cancel","dry_run":true,"filter":{"status":"lost"}} 400`,
		`bulk-sagas {"action":"cancel","filter":{"workflow":"onboarding","older_than":"1h"},"reason":"the import was wrong"} 200`,
		`bulk-sagas {"action":"cancel","ids":"1 IDs","reason":"hired twice"} 200`,
		`redrive-letter {"payload":"edited"} 404`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
