package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestBulk(t *testing.T) {
	for _, test := range []struct {
		name, body string // IDs of several's sagas as %0 to %6
		answer     func(string) (skald.Answer, error)
		unasked    error
		status     int
		want       api.Bulk
		says       string
		asked      int
	}{
		{"dry", `{"action":"cancel","filter":{"status":"open"},"dry_run":true}`, nil, nil, 200, api.Bulk{Selected: 6, Wanted: 6}, "", 0},
		{"dry, with what is over", `{"action":"cancel","filter":{},"dry_run":true}`, nil, nil, 200, api.Bulk{Selected: 7, LeftOut: 1, Wanted: 6}, "", 0},
		{"cancel", `{"action":"cancel","filter":{"workflow":"onboarding","older_than":"3m"},"reason":"a test"}`, nil, nil, 200, api.Bulk{Selected: 4, LeftOut: 1, Wanted: 3, Requested: 3, Accepted: 3}, "", 3},
		{"cancel by IDs", `{"action":"cancel","ids":["%0","%3","6ba7b810-9dad-11d1-80b4-00c04fd430c8"],"reason":"a test"}`, nil, nil, 200, api.Bulk{Selected: 3, LeftOut: 2, Wanted: 1, Requested: 1, Accepted: 1}, "", 1},
		{"redrive", `{"action":"redrive","filter":{}}`, nil, nil, 200, api.Bulk{Selected: 7, LeftOut: 6, Wanted: 1, Requested: 1, Accepted: 1}, "", 1},
		{"refused", `{"action":"cancel","ids":["%0","%1"],"reason":"x"}`, func(string) (skald.Answer, error) { return skald.Answer{Text: "decided"}, nil }, nil, 200, api.Bulk{Selected: 2, Wanted: 2, Requested: 2, Refused: 2, Refusals: []string{"decided", "decided"}}, "", 2},
		{"nobody answers", `{"action":"cancel","ids":["%0"],"reason":"x"}`, func(string) (skald.Answer, error) { return skald.Answer{}, context.DeadlineExceeded }, nil, 200, api.Bulk{Selected: 1, Wanted: 1, Requested: 1, Unanswered: 1}, "", 1},
		{"seen by then", `{"action":"cancel","filter":{},"position":3,"dry_run":true}`, nil, nil, 200, api.Bulk{Selected: 2, Wanted: 2}, "", 0},
		{"no broker", `{"action":"cancel","filter":{},"reason":"x"}`, nil, errors.New("no broker answers"), 503, api.Bulk{}, "nothing was asked for", 0},
		{"no reason", `{"action":"cancel","filter":{}}`, nil, nil, 400, api.Bulk{}, "body.reason", 0},
		{"neither", `{"action":"cancel","reason":"x"}`, nil, nil, 400, api.Bulk{}, "either ids, or filter", 0},
		{"both", `{"action":"cancel","reason":"x","ids":["%0"],"filter":{}}`, nil, nil, 400, api.Bulk{}, "either ids, or filter", 0},
		{"no such action", `{"action":"burn","filter":{}}`, nil, nil, 400, api.Bulk{}, "body.action", 0},
		{"no ID", `{"action":"redrive","ids":["four"]}`, nil, nil, 200, api.Bulk{Selected: 1, LeftOut: 1}, "", 0},
		{"a filter that isn't", `{"action":"redrive","filter":{"status":"lost"}}`, nil, nil, 400, api.Bulk{}, "body.filter.status", 0},
		{"an age that isn't", `{"action":"redrive","filter":{"older_than":"old"}}`, nil, nil, 400, api.Bulk{}, "body.filter.older_than", 0},
		{"a misspelt filter", `{"action":"redrive","filter":{"stauts":"halted"}}`, nil, nil, 400, api.Bulk{}, "body.filter.stauts", 0},
		{"a cursor that isn't", `{"action":"redrive","filter":{},"cursor":"x"}`, nil, nil, 400, api.Bulk{}, "body.cursor", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, h, ids := several(t)
			w.Client.Answer, w.Client.Unasked = test.answer, test.unasked
			body := test.body
			for i, id := range ids {
				body = strings.ReplaceAll(body, fmt.Sprintf("%%%d", i), id)
			}
			var got struct {
				api.Bulk
				consoletest.Problem
			}
			answer := consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", body, &got)
			if said := fmt.Sprint(got.Problem); answer.StatusCode != test.status || !strings.Contains(said, test.says) {
				t.Errorf("%d %s, want %d with %q", answer.StatusCode, said, test.status, test.says)
			}
			if test.status == 200 && test.want.Refusals == nil {
				test.want.Refusals = []string{}
			}
			if filtered := strings.Contains(body, `"filter"`); (got.Position > 0) != (filtered && test.status == 200) {
				t.Errorf("position %d", got.Position)
			}
			got.Position = 0
			if diff := cmp.Diff(test.want, got.Bulk); diff != "" {
				t.Error(diff)
			}
			if n := len(w.Client.Requests()); n != test.asked {
				t.Errorf("%d were asked for, want %d", n, test.asked)
			}
		})
	}
}

// One request asks for a thousand; whoever goes on from the next asks for each once, also where many began in the same nanosecond, and some
// don't match any more.
func TestBulkGoesOn(t *testing.T) {
	w := consoletest.NewWorld()
	const all = 2350
	for i := range all {
		id := w.Onboard(consoletest.User("Ada"))
		if i%5 == 0 {
			w.Clock = w.Clock.Add(1)
		}
		if i%10 == 0 {
			w.Complete(id, time.Second)
		}
	}
	w.Client.Answer = func(request string) (skald.Answer, error) {
		id := strings.Fields(request)[2]
		if id[len(id)-1] == 'a' { // gone at once
			w.Alter(id, func(s *tracker.Saga) { s.Status, s.Ending = tracker.Compensating, "cancelled" })
		}
		return skald.Answer{Accepted: true, Text: "done"}, nil
	}
	h := console.New(w.Config(t))
	var sum api.Bulk
	requests := 0
	for cursor := ""; ; {
		body, err := json.Marshal(map[string]any{"action": "cancel", "filter": map[string]string{"status": "open"}, "reason": "x", "cursor": cursor})
		if err != nil {
			t.Fatal(err)
		}
		var got api.Bulk
		consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", string(body), &got)
		requests++
		if got.Requested > 1000 {
			t.Errorf("%d were asked for at once", got.Requested)
		}
		sum.Requested += got.Requested
		if cursor = got.Next; cursor == "" {
			break
		}
	}
	asked := w.Client.Requests()
	slices.Sort(asked)
	if n := len(slices.Compact(asked)); n != all-all/10 || sum.Requested != n || requests != 3 {
		t.Errorf("%d different ones were asked for, %d in all, in %d requests; want %d, in 3", n, sum.Requested, requests, all-all/10)
	}
}

// A service that stops answering stops the request, and what wasn't asked for is next.
func TestBulkStopsWhereNobodyAnswers(t *testing.T) {
	w := consoletest.NewWorld()
	for range 250 {
		w.Clock = w.Clock.Add(1)
		w.Onboard(consoletest.User("Ada"))
	}
	n := 0
	w.Client.Answer = func(string) (skald.Answer, error) {
		if n++; n > 100 {
			return skald.Answer{}, context.DeadlineExceeded
		}
		return skald.Answer{Accepted: true, Text: "done"}, nil
	}
	h := console.New(w.Config(t))
	var first, second api.Bulk
	consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", `{"action":"cancel","filter":{},"reason":"x"}`, &first)
	if first.Accepted != 100 || first.Unanswered != 100 || first.Next == "" {
		t.Fatalf("%+v", first)
	}
	w.Client.Answer = nil
	consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", `{"action":"cancel","filter":{},"reason":"x","cursor":"`+first.Next+`"}`, &second)
	if second.Accepted != 50 || second.Next != "" {
		t.Errorf("%+v", second)
	}
}

func TestBulkOfAWorkflowThatNobodyBegins(t *testing.T) {
	w := consoletest.NewWorld()
	w.Alter(w.Onboard(consoletest.User("Ada")), func(s *tracker.Saga) { s.Workflow = "payroll" })
	h := console.New(w.Config(t))
	var got api.Bulk
	consoletest.Ask(t, h, "POST", "/api/v1/sagas/bulk", `{"action":"cancel","filter":{},"reason":"x"}`, &got)
	if got.Refused != 1 || len(got.Refusals) != 1 || !strings.Contains(got.Refusals[0], "no service has said that it begins workflow payroll") {
		t.Errorf("%+v", got)
	}
}
