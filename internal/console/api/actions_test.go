package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestActionsOnSagas(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	running, over, blocked, foreign := w.Onboard(consoletest.User("Ada")), w.Onboard(consoletest.User("Bo")), w.Onboard(consoletest.User("Cleo")), w.Onboard(consoletest.User("Dag"))
	w.Complete(over, time.Second)
	w.Pass(blocked, time.Second)
	w.BlockUndo(blocked)
	w.Alter(foreign, func(s *tracker.Saga) { s.Workflow = "payroll" })
	unknown := uuid.NewString()
	const decided = "the saga has ended: its outcome is decided"
	for _, test := range []struct {
		name, path, body string
		answer           func(string) (skald.Answer, error)
		unasked          error
		status           int
		says             string
		asked            string
	}{
		{"cancel", running + "/cancel", `{"reason":"hired twice","by":"desk-2"}`, nil, nil, 200, "it is being done", "cancel saga " + running + " at provisioner"},
		{"cancel without a reason", running + "/cancel", `{}`, nil, nil, 200, "it is being done", "cancel saga " + running + " at provisioner"},
		{"cancel what is over", over + "/cancel", `{}`, nil, nil, 409, "Completed in 4.00 s", ""},
		{"cancel what nobody begins", foreign + "/cancel", `{}`, nil, nil, 409, "no service has said that it begins workflow payroll", ""},
		{"cancel an unknown one", unknown + "/cancel", `{}`, nil, nil, 404, "no such saga", ""},
		{"cancel what is no ID", "four/cancel", `{}`, nil, nil, 400, "path.id", ""},
		{"cancel too late", running + "/cancel", `{}`, func(string) (skald.Answer, error) { return skald.Answer{Text: decided}, nil }, nil, 409, decided, "cancel saga " + running + " at provisioner"},
		{"cancel without an answer", running + "/cancel", `{}`, func(string) (skald.Answer, error) { return skald.Answer{}, context.DeadlineExceeded }, nil, 202, "as soon as it runs", "cancel saga " + running + " at provisioner"},
		{"cancel without a broker", running + "/cancel", `{}`, nil, errors.New("no broker answers"), 503, "nothing was asked for: no broker answers", ""},
		{"cancel with a novel", running + "/cancel", `{"reason":"` + strings.Repeat("x", 501) + `"}`, nil, nil, 400, "body.reason", ""},
		{"abandon", running + "/abandon", `{"reason":"lost"}`, nil, nil, 200, "it is being done", "abandon saga " + running + " at provisioner"},
		{"abandon without a reason", running + "/abandon", `{"reason":""}`, nil, nil, 400, "body.reason", ""},
		{"unblock", blocked + "/unblock", `{"decision":"retry"}`, nil, nil, 200, "it is being done", "unblock retry saga " + blocked + " at provisioner"},
		{"unblock by hand", blocked + "/unblock", `{"decision":"resolved","reason":"given back"}`, nil, nil, 200, "it is being done", "unblock resolved saga " + blocked + " at provisioner"},
		{"unblock by hand without a word", blocked + "/unblock", `{"decision":"resolved"}`, nil, nil, 400, "body.reason", ""},
		{"unblock somehow", blocked + "/unblock", `{"decision":"skip"}`, nil, nil, 400, "body.decision", ""},
		{"unblock what isn't", running + "/unblock", `{"decision":"retry"}`, nil, nil, 409, "nothing of this saga is blocked", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Client.Forget()
			w.Client.Answer, w.Client.Unasked = test.answer, test.unasked
			var body struct {
				api.Asked
				consoletest.Problem
			}
			got := consoletest.Ask(t, h, "POST", "/api/v1/sagas/"+test.path, test.body, &body)
			if said := fmt.Sprint(body); got.StatusCode != test.status || !strings.Contains(said, test.says) {
				t.Errorf("%d %s, want %d with %q", got.StatusCode, said, test.status, test.says)
			}
			if got := strings.Join(w.Client.Requests(), "; "); got != test.asked {
				t.Errorf("asked %q, want %q", got, test.asked)
			}
		})
	}
}

func TestDeadLettersByTheAPI(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	saga := w.Onboard(consoletest.User("Ada"))
	const cause = "0123456789ab"
	for i := range 250 {
		w.AddLetter(tracker.Letter{
			Partition: 1, Offset: int64(i), ID: uuid.NewString(), EventID: uuid.NewString(), SagaID: saga, Service: "notifier", Step: "notify", Class: "failed",
			Error: "SMTP 451", Attempts: 8, Status: tracker.LetterHalted, Cause: cause, Time: w.Clock,
		}, `{"n":1}`, skald.Header{Key: "ce_id", Value: []byte("a\xff")})
	}
	w.AddLetter(tracker.Letter{Partition: 2, Service: "notifier", Step: "notify", Class: "poison", Error: "no JSON", Status: tracker.LetterLoose, Cause: "ffffffffffff"}, "{")

	var causes struct{ Causes []api.Cause }
	consoletest.Ask(t, h, "GET", "/api/v1/causes", "", &causes)
	if len(causes.Causes) != 2 || causes.Causes[0].Halted != 250 || causes.Causes[0].Error != "SMTP 451" {
		t.Errorf("%+v", causes)
	}
	var page struct{ Letters []api.Letter }
	consoletest.Ask(t, h, "GET", "/api/v1/letters?cause="+cause+"&status=halted&limit=2", "", &page)
	if len(page.Letters) != 2 || page.Letters[0].Saga != saga {
		t.Errorf("%+v", page)
	}
	var whole api.WholeLetter
	consoletest.Ask(t, h, "GET", "/api/v1/letters/1/7", "", &whole)
	if string(whole.Payload) != `{"n":1}` || whole.Topic != "notify" || whole.Status != "halted" || whole.Headers[0] != [2]string{"ce_id", "a\uFFFD"} {
		t.Errorf("%+v", whole)
	}
	var odd api.WholeLetter
	consoletest.Ask(t, h, "GET", "/api/v1/letters/2/0", "", &odd)
	if string(odd.PayloadBase64) != "{" || odd.Payload != nil || odd.PayloadBytes != 1 {
		t.Errorf("%+v", odd)
	}
	for path, status := range map[string]int{
		"GET /api/v1/letters/1/999": 404, "GET /api/v1/letters/x/1": 400, "GET /api/v1/letters/-1/1": 400, "GET /api/v1/letters?status=lost": 400,
		"POST /api/v1/letters/1/999/redrive": 404, "POST /api/v1/letters/1/7/discard": 400, "POST /api/v1/causes/zz/redrive": 400,
		"POST /api/v1/causes/000000000000/redrive": 404, "GET /api/v1/causes/000000000000/redrive": 404, "POST /api/v1/causes/000000000000/redrive/stop": 404,
		"POST /api/v1/causes/" + cause + "/redrive/pause": 409, "POST /api/v1/causes/" + cause + "/discard": 400, "GET /api/v1/redrives?x=1": 400, "POST /api/v1/causes/ffffffffffff/redrive": 409, "POST /api/v1/letters/2/0/redrive": 409,
	} {
		method, path, _ := strings.Cut(path, " ")
		body := ""
		if method == "POST" && !strings.HasSuffix(path, "e/stop") && !strings.HasSuffix(path, "pause") {
			body = `{}`
		}
		if got := consoletest.Ask(t, h, method, path, body, nil); got.StatusCode != status {
			t.Errorf("%s %s: %d, want %d", method, path, got.StatusCode, status)
		}
	}
	if asked := w.Client.Requests(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
	var done api.Asked
	if got := consoletest.Ask(t, h, "POST", "/api/v1/letters/1/7/discard", `{"reason":"never to be"}`, &done); got.StatusCode != http.StatusOK || done.State != "accepted" {
		t.Errorf("%d %+v", got.StatusCode, done)
	}
	consoletest.Ask(t, h, "POST", "/api/v1/letters/1/8/redrive", `{}`, &done)
	if diff := cmp.Diff([]string{"discard dead letter 1/7 at notifier", "redrive dead letter 1/8 at notifier"}, w.Client.Requests()); diff != "" {
		t.Error(diff)
	}
}
