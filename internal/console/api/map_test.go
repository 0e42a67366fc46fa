package api_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

func TestMapIsTold(t *testing.T) {
	h := console.New(consoletest.Mapped().Config(t))
	var m api.Map
	if got := consoletest.Ask(t, h, "GET", "/api/v1/map", "", &m); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%+v", got)
	}
	way := func(w api.MapWay) bool { return w.Topic == "notify" && w.To == "notifier" }
	i := slices.IndexFunc(m.Ways, way)
	if i < 0 || len(m.Ways[i].Traffic) != 2 || *m.Ways[i].Traffic[1].P99 != 41 || m.Ways[i].Traffic[1].Stuck != 12 || m.Ways[i].Traffic[0].UsualP99 != nil || !slices.Equal(m.Ways[i].Workflows, []string{"helpdesk", "onboarding"}) {
		t.Errorf("%+v", m.Ways)
	}
	if len(m.Workflows) != 2 || m.Workflows[1] != (api.MapWorkflow{Name: "onboarding", Initiator: "provisioner", Start: "new-user", End: "notified"}) {
		t.Errorf("%+v", m.Workflows)
	}
	if len(m.Findings) != 1 || m.Findings[0].Kind != "undeclared" || !m.Findings[0].Breaks || m.Findings[0].Topic != "sms-out" {
		t.Errorf("%+v", m.Findings)
	}
	var one api.Map
	consoletest.Ask(t, h, "GET", "/api/v1/map?workflow=helpdesk&window=1h", "", &one)
	if len(one.Workflows) != 1 || slices.ContainsFunc(one.Topics, func(t api.MapTopic) bool { return t.Name == "new-user" }) || !slices.ContainsFunc(one.Services, func(s api.MapService) bool { return s.Name == "audit" }) {
		t.Errorf("%+v", one)
	}
}

func TestMapAsFiles(t *testing.T) {
	h := console.New(consoletest.Mapped().Config(t))
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	svg := ask("/api/v1/map?format=svg&workflow=onboarding")
	if svg.Code != http.StatusOK || svg.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(svg.Body.String(), "12 stuck") {
		t.Errorf("%d %v %s", svg.Code, svg.Header(), svg.Body)
	}
	d := xml.NewDecoder(svg.Body)
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if mermaid := ask("/api/v1/map?format=mermaid"); mermaid.Code != http.StatusOK || !strings.HasPrefix(mermaid.Body.String(), "flowchart LR\n") || !strings.HasPrefix(mermaid.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %v %s", mermaid.Code, mermaid.Header(), mermaid.Body)
	}
}

func TestMapRefuses(t *testing.T) {
	w := consoletest.Mapped()
	h := console.New(w.Config(t))
	for path, location := range map[string]string{
		"format=png": "query.format", "window=2h": "query.window", "workflow=%00": "query.workflow", "workflow=none": "query.workflow", "colour=red": "query.colour",
	} {
		var p consoletest.Problem
		if got := consoletest.Ask(t, h, "GET", "/api/v1/map?"+path, "", &p); got.StatusCode != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%s: %d %+v", path, got.StatusCode, p)
		}
	}
	w.Mu.Lock()
	w.Err = errors.New("disk full")
	w.Mu.Unlock()
	if got := consoletest.Ask(t, h, "GET", "/api/v1/map", "", nil); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("%+v", got)
	}
}

// An empty world has an empty map, not a missing one.
func TestMapOfNothing(t *testing.T) {
	w := consoletest.NewWorld()
	w.Steps = nil
	h := console.New(w.Config(t))
	var m api.Map
	consoletest.Ask(t, h, "GET", "/api/v1/map", "", &m)
	if m.Ways == nil || m.Findings == nil || len(m.Ways) > 0 {
		t.Errorf("%+v", m)
	}
}
