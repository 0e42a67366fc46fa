package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestEventsOfASaga(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	id := w.Onboard(consoletest.User("Ada"))
	w.Pass(id, time.Second)
	w.Pass(id, time.Second)
	w.Fail(id, "SMTP 451", w.Clock.Add(3*time.Second), w.Clock.Add(5*time.Second))
	long := `"` + strings.Repeat("x", 1<<20) + `"`
	w.Alter(id, func(s *tracker.Saga) {
		s.Steps[0].Payload, s.Steps[1].Payload, s.Steps[2].Payload = []byte(`{"n": 9007199254740993}`), []byte("\x00<b>"), []byte(long)
	})
	type page struct {
		Events []api.Event `json:"events"`
		Next   string      `json:"next"`
	}
	var all page
	consoletest.Ask(t, h, "GET", "/api/v1/sagas/"+id+"/events", "", &all)
	if len(all.Events) != 4 || all.Next != "" {
		t.Fatalf("%+v", all)
	}
	first, second, third, attempt := all.Events[0], all.Events[1], all.Events[2], all.Events[3]
	if string(first.Payload) != `{"n":9007199254740993}` || first.PayloadBytes != 23 || first.Topic != "new-user" || len(first.Headers) < 8 {
		t.Errorf("%+v", first)
	}
	if second.Payload != nil || string(second.PayloadBase64) != "\x00<b>" || second.CausationID != first.ID {
		t.Errorf("%+v", second)
	}
	if third.Payload != nil || third.PayloadBase64 != nil || third.PayloadBytes != len(long) {
		t.Errorf("%+v", third)
	}
	if attempt.Type != tracker.AttemptType || !strings.Contains(string(attempt.Payload), "SMTP 451") {
		t.Errorf("%+v", attempt)
	}
	var seen []api.Event
	for next := ""; ; {
		var p page
		consoletest.Ask(t, h, "GET", "/api/v1/sagas/"+id+"/events?limit=3&cursor="+next, "", &p)
		seen = append(seen, p.Events...)
		if next = p.Next; next == "" {
			break
		}
	}
	if len(seen) != 4 || seen[3].Offset != attempt.Offset {
		t.Errorf("%d events by pages", len(seen))
	}
	at := "/api/v1/sagas/" + id + "/events/"
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, at+"notify/3/114/payload", nil))
	if r.Code != http.StatusOK || r.Body.String() != long || r.Header().Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(r.Header().Get("Content-Disposition"), "attachment") || r.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v, %d bytes", r.Code, r.Header(), r.Body.Len())
	}
	for path, status := range map[string]int{
		at + "notify/3/4711/payload": 404, at + "notify/-1/114/payload": 400, at + "notify/3/x/payload": 400, at + "a%2Fb/3/1/payload": 400, at + "%00/3/1/payload": 400,
		"/api/v1/sagas/" + id + "/events?cursor=zz": 400, "/api/v1/sagas/" + id + "/events?limit=0": 400, "/api/v1/sagas/" + id + "/events?limi=1": 400,
		"/api/v1/sagas/four/events": 400, "/api/v1/sagas/" + uuid.NewString() + "/events": 404, "/api/v1/sagas/" + uuid.NewString() + "/events/a/0/0/payload": 404,
	} {
		if got := consoletest.Ask(t, h, "GET", path, "", nil); got.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, status)
		}
	}
}
