package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/tracker"
)

// A masked field is never sent on as it is shown, numbers stay as they are written, and the audit says that the event was edited and not how.
func TestRedriveEdited(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	rules, err := mask.Parse([]string{"notify.email"})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Mask = rules
	h := console.New(cfg)
	add := func(offset int64, payload, contentType string) {
		w.AddLetter(tracker.Letter{
			Partition: 1, Offset: offset, ID: uuid.NewString(), EventID: uuid.NewString(), SagaID: uuid.NewString(), Service: "notifier", Step: "notify",
			Class: "poison", Status: tracker.LetterHalted, Cause: "0123456789ab",
		}, payload, skald.Header{Key: "content-type", Value: []byte(contentType)})
	}
	add(1, `{"email":"ada@example.com","n":1}`, "application/json")
	add(2, "\x01\x02", "application/x-protobuf")
	add(3, `{"email":`, "application/cloudevents+json; charset=utf-8")
	for _, test := range []struct {
		letter, body string
		status       int
		says, sent   string
	}{
		{"1/1", `{"payload":{"email":"•••","n":12345678901234567890.10}}`, 200, "", `{"email":"ada@example.com","n":12345678901234567890.10}`},
		{"1/1", `{"payload":{"email":"bob@example.com","n":1},"by":"desk-2","reason":"typing error"}`, 200, "", `{"email":"bob@example.com","n":1}`},
		{"1/1", `{"payload":{"email": "•••","n":1}}`, 400, "body.payload: this is the payload as it is", ""},
		{"1/1", `{"payload":{"to":{"email":"•••"}}}`, 400, "body.payload.to.email: it is masked", ""},
		{"1/1", `{"payload":"•••"}`, 400, "all of it is masked", ""},
		{"1/2", `{"payload":{}}`, 409, "no JSON", ""},
		{"1/3", `{"payload":{"email":"ada@example.com"}}`, 200, "", `{"email":"ada@example.com"}`},
		{"1/3", `{"payload":"•••"}`, 400, "all of it is masked", ""},
		{"1/1", `{"payload":{"x":"` + strings.Repeat("x", 70_000) + `"}}`, 413, "64 KiB", ""},
		{"1/9", `{"payload":{}}`, 404, "", ""},
	} {
		w.Client.Forget()
		w.Client.Payload = ""
		var p consoletest.Problem
		got := consoletest.Ask(t, h, "POST", "/api/v1/letters/"+test.letter+"/redrive", test.body, &p)
		said := p.Detail
		for _, e := range p.Errors {
			said += " " + e.Location + ": " + e.Message
		}
		if got.StatusCode != test.status || !strings.Contains(said, test.says) || w.Client.Payload != test.sent {
			t.Errorf("%.80s: %d %s, sent %s; want %d %s %s", test.body, got.StatusCode, said, w.Client.Payload, test.status, test.says, test.sent)
		}
		if asked := w.Client.Requests(); (test.status == http.StatusOK) != (len(asked) == 1 && strings.Contains(asked[0], "edited")) {
			t.Errorf("asked %q", asked)
		}
	}
	page := w.Read(t, "/audit")
	if !strings.Contains(page, "edited") || strings.Contains(page, "bob@example.com") {
		t.Error("the audit doesn't say that the event was edited, or how it was:", page)
	}
}
