package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/events"
)

const ada = `{"name":"Ada","email":"ada@example.com","department":"engineering"}`

func TestStartSaga(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	var created struct{ ID string }
	response := consoletest.Ask(t, h, "POST", "/api/v1/sagas", `{"workflow":"onboarding","input":`+ada+`}`, &created, "Idempotency-Key", "k1")
	if response.StatusCode != http.StatusAccepted {
		t.Fatal(response.StatusCode)
	}
	want := []consoletest.Start{{Workflow: "onboarding", Key: "k1", Input: events.NewUser{Name: "Ada", Email: "ada@example.com", Department: "engineering"}}}
	if diff := cmp.Diff(want, w.Starts, cmp.AllowUnexported(consoletest.Start{})); diff != "" {
		t.Error(diff)
	}
	var saga api.Saga
	if response := consoletest.Ask(t, h, "GET", "/api/v1/sagas/"+created.ID, "", &saga); response.StatusCode != http.StatusOK {
		t.Fatal(response.StatusCode)
	}
	if saga.Status != "running" || len(saga.Steps) != 1 || saga.Steps[0].State != "queued" || saga.Subject != "ada@example.com" {
		t.Errorf("%+v", saga)
	}
	if diff := cmp.Diff(ada, string(saga.Steps[0].Payload)); diff != "" {
		t.Error(diff)
	}
}

func TestGetSagaTellsItsSteps(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	id := w.Onboard(events.NewUser{Name: "Ada", Email: "ada@example.com", Department: "engineering"})
	w.Complete(id, 1e8)
	var saga api.Saga
	consoletest.Ask(t, h, "GET", "/api/v1/sagas/"+id, "", &saga)
	topics := make([]string, 0, 4)
	for _, s := range saga.Steps {
		topics = append(topics, s.Topic+" "+s.State)
		if s.Queued.IsZero() || s.Finished.Sub(s.Queued) != 1e8 {
			t.Errorf("%s: %v to %v", s.Topic, s.Queued, s.Finished)
		}
	}
	if diff := cmp.Diff([]string{"new-user done", "authorize done", "notify done", "notified done"}, topics); diff != "" {
		t.Error(diff)
	}
	if saga.Status != "completed" || saga.Outcome != "completed" || saga.Ended.Sub(saga.Started) != 4e8 {
		t.Errorf("%+v", saga)
	}
}

func TestListSagas(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	for _, name := range []string{"a", "b", "c"} {
		w.Clock = w.Clock.Add(1e9)
		w.Onboard(events.NewUser{Name: name, Email: name + "@example.com", Department: "sales"})
	}
	type page struct {
		Sagas []api.Saga
		Next  string
	}
	var first, second, none page
	consoletest.Ask(t, h, "GET", "/api/v1/sagas?workflow=onboarding&limit=2", "", &first)
	consoletest.Ask(t, h, "GET", "/api/v1/sagas?workflow=onboarding&limit=2&cursor="+first.Next, "", &second)
	subjects := make([]string, 0, 3)
	for _, s := range append(first.Sagas, second.Sagas...) {
		subjects = append(subjects, s.Subject)
	}
	if diff := cmp.Diff([]string{"c@example.com", "b@example.com", "a@example.com"}, subjects); diff != "" {
		t.Error(diff)
	}
	if second.Next != "" {
		t.Errorf("the last page has the cursor %q", second.Next)
	}
	consoletest.Ask(t, h, "GET", "/api/v1/sagas?status=completed", "", &none)
	if none.Sagas == nil || len(none.Sagas) != 0 {
		t.Errorf("no saga is completed: %v", none.Sagas)
	}
}

func TestBadRequests(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	post := func(body string) []string { return []string{"POST", "/api/v1/sagas", body} }
	get := func(path string) []string { return []string{"GET", path, ""} }
	user := func(fields string) []string { return post(`{"workflow":"onboarding","input":{` + fields + `}}`) }
	for name, c := range map[string]struct {
		request  []string
		status   int
		location string // of one of the errors; empty if the detail says all
		says     string
	}{
		"malformed JSON":     {post(`{"workflow":`), 400, "body", "no valid JSON"},
		"no body":            {post(``), 400, "", "body is required"},
		"no object":          {post(`[1]`), 400, "body", "expected object"},
		"no workflow":        {post(`{"input":{}}`), 400, "body", "workflow"},
		"no input":           {post(`{"workflow":"onboarding"}`), 400, "body", "input"},
		"workflow of a type": {post(`{"workflow":7,"input":{}}`), 400, "body.workflow", "expected string"},
		"input of a type":    {post(`{"workflow":"onboarding","input":"Ada"}`), 400, "body.input", "an object is expected"},
		"unknown workflow":   {post(`{"workflow":"offboarding","input":{}}`), 400, "body.workflow", "onboarding"},
		"unknown property":   {post(`{"workflow":"onboarding","input":{},"speed":9}`), 400, "body.speed", "unexpected property"},
		"unknown department": {user(`"name":"Ada","email":"ada@example.com","department":"sails"`), 400, "body.input.department", "engineering, sales"},
		"no name":            {user(`"email":"ada@example.com","department":"sales"`), 400, "body.input.name", ""},
		"bad mail address":   {user(`"name":"Ada","email":"ada","department":"sales"`), 400, "body.input.email", ""},
		"too large":          {post(`{"workflow":"onboarding","input":{"name":"` + strings.Repeat("x", problem.MaxBody) + `"}}`), 413, "", "64 KiB"},
		"garbled cursor":     {get("/api/v1/sagas?cursor=%00"), 400, "query.cursor", ""},
		"limit no number":    {get("/api/v1/sagas?limit=many"), 400, "query.limit", "integer"},
		"limit zero":         {get("/api/v1/sagas?limit=0"), 400, "query.limit", ">= 1"},
		"limit too large":    {get("/api/v1/sagas?limit=1001"), 400, "query.limit", "<= 1000"},
		"unknown status":     {get("/api/v1/sagas?status=lost"), 400, "query.status", "running"},
		"unknown parameter":  {get("/api/v1/sagas?stauts=halted"), 400, "query.stauts", "unknown"},
		"garbled ID":         {get("/api/v1/sagas/42"), 400, "path.id", "uuid"},
		"unknown ID":         {get("/api/v1/sagas/6ba7b810-9dad-11d1-80b4-00c04fd430c8"), 404, "", "no such saga"},
		"garbled position":   {get("/api/v1/stream?since=yesterday"), 400, "query.since", "position"},
		"nothing there":      {get("/api/v2/sagas"), 404, "", "/openapi.json"},
		"no such asset":      {get("/assets/main.js"), 404, "", "nothing"},
		"wrong method":       {[]string{"DELETE", "/api/v1/sagas", ""}, 405, "", "GET, HEAD, POST"},
		"garbled view":       {get("/?trace=maybe"), 400, "query.trace", "on or off"},
		"garbled clearing":   {get("/?cleared=noon"), 400, "query.cleared", "2006-01-02"},
		"unknown service":    {[]string{"POST", "/api/v1/demo/services/mailer/stop", ""}, 404, "", "provisioner, authorizer and notifier"},
		"lag no duration":    {[]string{"PUT", "/api/v1/demo/lag", `{"min":"0s","max":"3"}`}, 400, "body.max", "duration"},
		"lag reversed":       {[]string{"PUT", "/api/v1/demo/lag", `{"min":"3s","max":"1s"}`}, 400, "body", "comes first"},
		"lag too long":       {[]string{"PUT", "/api/v1/demo/lag", `{"min":"0s","max":"2h"}`}, 400, "body", "1h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			var p consoletest.Problem
			response := consoletest.Ask(t, h, c.request[0], c.request[1], c.request[2], &p, "Content-Type", "application/json")
			if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %s", got)
			}
			if response.StatusCode != c.status || p.Status != c.status || p.Title == "" || p.Detail == "" {
				t.Fatalf("%d: %+v", response.StatusCode, p)
			}
			if c.location == "" {
				if !strings.Contains(p.Detail, c.says) {
					t.Errorf("%+v doesn't say %q", p, c.says)
				}
				return
			}
			for _, e := range p.Errors {
				if e.Location == c.location && strings.Contains(e.Message, c.says) {
					return
				}
			}
			t.Errorf("%+v doesn't say %q of %s", p, c.says, c.location)
		})
	}
	if len(w.Starts) != 0 {
		t.Errorf("started: %v", w.Starts)
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	h := console.New(consoletest.NewWorld().Config(t))
	var p consoletest.Problem
	consoletest.Ask(t, h, "POST", "/api/v1/sagas", `{"workflow":"onboarding","input":{}}`, &p)
	locations := make([]string, 0, len(p.Errors))
	for _, e := range p.Errors {
		locations = append(locations, e.Location)
	}
	if diff := cmp.Diff([]string{"body.input.name", "body.input.email", "body.input.department"}, locations); diff != "" {
		t.Error(diff)
	}
}

func TestBodyOfTheLargestSize(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	body := `{"workflow":"onboarding","input":` + ada + `}`
	body += strings.Repeat(" ", problem.MaxBody-len(body))
	if response := consoletest.Ask(t, h, "POST", "/api/v1/sagas", body, nil); response.StatusCode != http.StatusAccepted {
		t.Errorf("%d bytes: %d", len(body), response.StatusCode)
	}
	if response := consoletest.Ask(t, h, "POST", "/api/v1/sagas", body+" ", nil); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d bytes: %d", len(body)+1, response.StatusCode)
	}
}

func TestForeignContentTypeIsRefused(t *testing.T) {
	h := console.New(consoletest.NewWorld().Config(t))
	response := consoletest.Ask(t, h, "POST", "/api/v1/sagas", `{"workflow":"onboarding","input":`+ada+`}`, nil, "Content-Type", "text/plain")
	if response.StatusCode != http.StatusUnsupportedMediaType {
		t.Error(response.StatusCode)
	}
}

func TestUnreachableBroker(t *testing.T) {
	w := consoletest.NewWorld()
	w.StartErr = errors.New("dial tcp 127.0.0.1:9092: connection refused")
	h := console.New(w.Config(t))
	var p consoletest.Problem
	response := consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", &p)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(p.Detail, "connection refused. Kaia Ben-Ami stays next") {
		t.Errorf("%d: %+v", response.StatusCode, p)
	}
	if next, _ := w.Hires.Peek(); next.Name != "Kaia Ben-Ami" || w.Hires.Remaining() != 2 {
		t.Errorf("the hire was used up: %v is next", next)
	}
	response = consoletest.Ask(t, h, "POST", "/api/v1/sagas", `{"workflow":"onboarding","input":`+ada+`}`, &p)
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Error(response.StatusCode)
	}
}

func TestOnboardNextHire(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	var next struct {
		Next      *events.NewUser
		Remaining int
	}
	consoletest.Ask(t, h, "GET", "/api/v1/demo/hires", "", &next)
	if next.Next == nil || next.Next.Name != "Kaia Ben-Ami" || next.Remaining != 2 {
		t.Errorf("%+v", next)
	}
	for range 2 {
		if response := consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", nil); response.StatusCode != http.StatusAccepted {
			t.Fatal(response.StatusCode)
		}
	}
	var p consoletest.Problem
	response := consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", &p)
	if response.StatusCode != http.StatusConflict || p.Detail != "no more new users to onboard" {
		t.Errorf("%d: %+v", response.StatusCode, p)
	}
	if len(w.Starts) != 2 || w.Starts[0].Key == w.Starts[1].Key || w.Starts[0].Key == "" {
		t.Errorf("%+v", w.Starts)
	}
}

func TestRepeatedHireKeepsItsKey(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	var keys []string
	start := cfg.Start
	cfg.Start = func(ctx context.Context, workflow string, input json.RawMessage, key string) (string, error) {
		keys = append(keys, key)
		if len(keys) == 1 {
			_, _ = start(ctx, workflow, input, key)
			return "", errors.New("the answer was lost")
		}
		return start(ctx, workflow, input, key)
	}
	h := console.New(cfg)
	consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", nil)
	consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", nil)
	if len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("keys %q: the second click would start a second saga", keys)
	}
}

func TestDemoServicesAndLag(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	var services struct{ Services []api.DemoService }
	consoletest.Ask(t, h, "POST", "/api/v1/demo/services/authorizer/stop", "", &services)
	want := []api.DemoService{{Name: "provisioner", State: "running"}, {Name: "authorizer", State: "stopped"}, {Name: "notifier", State: "running"}}
	if diff := cmp.Diff(want, services.Services); diff != "" {
		t.Error(diff)
	}
	consoletest.Ask(t, h, "POST", "/api/v1/demo/services/authorizer/play", "", &services)
	if services.Services[1].State != "running" {
		t.Errorf("%+v", services)
	}
	var lag api.DemoLag
	consoletest.Ask(t, h, "PUT", "/api/v1/demo/lag", `{"min":"500ms","max":"1.5s"}`, &lag)
	if got := w.Faults.Lag(); got.Min != 5e8 || got.Max != 15e8 || lag.Max != "1.5s" {
		t.Errorf("%v, %v", got, lag)
	}
}

func TestMails(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	for _, name := range []string{"Ada", "Bo", "Cleo"} {
		w.Mails.Deliver(events.NewUser{Name: name, Email: name + "@example.com"}, "Nordbook 14", "NB14-00001", "vpn", w.Clock)
	}
	var page struct {
		Count int64
		Mails []api.Mail
	}
	consoletest.Ask(t, h, "GET", "/api/v1/demo/mails?limit=1&before=3", "", &page)
	if page.Count != 3 || len(page.Mails) != 1 || page.Mails[0].ToName != "Bo" {
		t.Errorf("%+v", page)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	ready := errors.New("service notifier is not running")
	cfg.Ready = func(context.Context) error { return ready }
	h := console.New(cfg)
	if response := consoletest.Ask(t, h, "GET", "/healthz", "", nil); response.StatusCode != http.StatusOK {
		t.Error(response.StatusCode)
	}
	var p consoletest.Problem
	response := consoletest.Ask(t, h, "GET", "/readyz", "", &p)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(p.Detail, "notifier is not running") {
		t.Errorf("%d: %+v", response.StatusCode, p)
	}
	ready = nil
	if response := consoletest.Ask(t, h, "GET", "/readyz", "", nil); response.StatusCode != http.StatusOK {
		t.Error(response.StatusCode)
	}
}

func TestOpenAPI(t *testing.T) {
	h := console.New(consoletest.NewWorld().Config(t))
	var document struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]any
	}
	response := consoletest.Ask(t, h, "GET", "/openapi.json", "", &document)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(document.OpenAPI, "3.1") || document.Info.Version != "dev" {
		t.Errorf("%d: %+v", response.StatusCode, document.Info)
	}
	for path, method := range map[string]string{
		"/healthz": "get", "/readyz": "get", "/api/v1/sagas": "post", "/api/v1/sagas/{id}": "get", "/api/v1/stream": "get",
		"/api/v1/demo/hires": "post", "/api/v1/demo/services/{name}/play": "post", "/api/v1/demo/services/{name}/stop": "post",
		"/api/v1/demo/lag": "put", "/api/v1/demo/mails": "get",
	} {
		if document.Paths[path][method] == nil {
			t.Errorf("%s %s is not in it", method, path)
		}
	}
}

func TestMetrics(t *testing.T) {
	cfg := consoletest.NewWorld().Config(t)
	if response := consoletest.Ask(t, console.New(cfg), "GET", "/metrics", "", nil); response.StatusCode != http.StatusNotFound {
		t.Error(response.StatusCode)
	}
	cfg.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"skald_up 1"`) })
	if response := consoletest.Ask(t, console.New(cfg), "GET", "/metrics", "", nil); response.StatusCode != http.StatusOK {
		t.Error(response.StatusCode)
	}
}

func TestTrackerThatFails(t *testing.T) {
	w := consoletest.NewWorld()
	w.Err = errors.New("disk full")
	h := console.New(w.Config(t))
	for _, path := range []string{"/", "/api/v1/sagas", "/api/v1/sagas/6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		var p consoletest.Problem
		if response := consoletest.Ask(t, h, "GET", path, "", &p); response.StatusCode != http.StatusInternalServerError || !strings.Contains(p.Detail, "disk full") {
			t.Errorf("%s: %d: %+v", path, response.StatusCode, p)
		}
	}
}

var _ backend.Tracker = (*tracker.Tracker)(nil)

func TestTrackerStatus(t *testing.T) {
	w := consoletest.NewWorld()
	w.Behind.Records = 7
	var got map[string]any
	if r := consoletest.Ask(t, console.New(w.Config(t)), "GET", "/api/v1/tracker", "", &got); r.StatusCode != http.StatusOK {
		t.Fatal(r.StatusCode)
	}
	want := map[string]any{
		"database": "SQLite x.db", "writes": true, "reachable": true, "lag_records": 7.0, "lag_seconds": 0.1,
		"log_since": "2026-03-01T09:00:00Z", "log_whole": false, "keep_seconds": 3600.0, "keep_sagas": 0.0,
	}
	delete(got, "$schema")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}
