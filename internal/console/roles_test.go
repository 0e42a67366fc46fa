package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

const viewer, operator = "0123456789abcdefghijklmnop", "zyxwvutsrqponmlkjihgfedcba"

func withUsers(t *testing.T, cfg console.Config) console.Config {
	t.Helper()
	var file strings.Builder
	for token, role := range map[string]access.Role{viewer: access.Viewer, operator: access.Operator} {
		entry, err := access.TokenLine("the-"+string(role), role, token)
		if err != nil {
			t.Fatal(err)
		}
		file.WriteString(entry)
	}
	var err error
	if cfg.Users, err = access.Parse([]byte(file.String())); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// acting is what the pages' modules act by.
var acting = []string{"data-act=", "data-edit=", "data-post=", "data-onboard", "data-service=", "data-failures=", "data-bulk", "data-redrive", "data-run=", "data-call=", `type="range"`}

func TestViewersSeeNothingToPress(t *testing.T) {
	w := consoletest.Troubled()
	h := console.New(withUsers(t, w.Config(t)))
	see := func(path, token string) string {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	found := map[string]bool{}
	// Operators first, so that what is kept for all clients isn't theirs.
	paths := append(console.Pages(), "/?trace=off")
	for _, id := range w.IDs() {
		paths = append(paths, "/sagas/"+id, "/sagas/"+id+"/actions")
	}
	for _, path := range paths {
		forOperator, forViewer := see(path, operator), see(path, viewer)
		for _, mark := range acting {
			found[mark] = found[mark] || strings.Contains(forOperator, mark)
			if at := strings.Index(forViewer, mark); at >= 0 {
				t.Errorf("%s: a viewer is offered …%s…", path, forViewer[max(0, at-100):at+100])
			}
		}
		if !strings.Contains(forViewer, "needs the role operator") || strings.Contains(forOperator, "needs the role operator") {
			t.Errorf("%s doesn't say what viewers may do, or says it to operators", path)
		}
		if strings.Contains(forViewer, "<html") && !strings.Contains(forViewer, `id="who">the-viewer, viewer<`) {
			t.Errorf("%s doesn't say who looks", path)
		}
	}
	for _, mark := range []string{"data-act=", "data-post=", "data-onboard", "data-service="} {
		if !found[mark] {
			t.Errorf("no page has %s for operators: the test looks for the wrong thing", mark)
		}
	}
}

func TestRolesByTheAPI(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(withUsers(t, w.Config(t)))
	id := w.Onboard(consoletest.User("Ada"))
	for _, test := range []struct {
		token, method, path, body string
		status                    int
		says                      string
	}{
		{viewer, "GET", "/api/v1/sagas", "", 200, ""},
		{viewer, "GET", "/openapi.json", "", 200, ""},
		{viewer, "POST", "/api/v1/sagas/" + id + "/cancel", "{}", 403, "this needs the role operator, and the-viewer is a viewer"},
		{viewer, "PUT", "/api/v1/demo/lag", `{"min":"0s","max":"1s"}`, 403, "this needs the role operator"},
		{viewer, "POST", "/api/v1/demo/hires", "", 403, "this needs the role operator"},
		{operator, "POST", "/api/v1/sagas/" + id + "/cancel", "{}", 200, ""},
		{"nonsense", "GET", "/api/v1/sagas", "", 401, "are wrong"},
	} {
		var p consoletest.Problem
		got := consoletest.Ask(t, h, test.method, test.path, test.body, &p, "Authorization", "Bearer "+test.token)
		if got.StatusCode != test.status || !strings.Contains(p.Detail, test.says) {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.path, got.StatusCode, p.Detail, test.status, test.says)
		}
	}
	if asked := w.Client.Requests(); len(asked) != 1 || len(w.Starts) != 0 {
		t.Errorf("asked %v, started %v", asked, w.Starts)
	}
}
