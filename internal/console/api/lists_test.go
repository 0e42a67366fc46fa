package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

// several are seven sagas, each a minute older than the one before; the third is halted, the fourth over, the fifth with the authorizer.
func several(t *testing.T) (*consoletest.World, *console.Handler, []string) {
	t.Helper()
	w := consoletest.NewWorld()
	var ids []string
	for i := range 7 {
		id := w.Onboard(consoletest.User(fmt.Sprintf("user%d", i)))
		w.Alter(id, func(s *tracker.Saga) { s.Started = s.Started.Add(-time.Duration(i) * time.Minute) })
		ids = append(ids, id)
	}
	w.HaltWithLetter(ids[2], "SMTP 451", 7)
	w.Complete(ids[3], time.Second)
	w.Pass(ids[4], time.Second)
	w.Alter(ids[5], func(s *tracker.Saga) { s.Deadline = s.Started.Add(time.Second) })
	w.Headers[ids[6]] = []string{"tenant=acme"}
	return w, console.New(w.Config(t)), ids
}

func TestListAndCountByEachFilter(t *testing.T) {
	w, h, ids := several(t)
	before := w.Clock.Add(-150 * time.Second).UTC().Format(time.RFC3339Nano)
	for query, want := range map[string][]int{
		"": {0, 1, 2, 3, 4, 5, 6}, "order=oldest": {6, 5, 4, 3, 2, 1, 0}, "status=halted": {2}, "status=ended": {3}, "status=open&order=oldest": {6, 5, 4, 2, 1, 0},
		"service=authorizer": {4}, "topic=authorize": {4}, "topic=new-user&status=running": {0, 1, 5, 6}, "older_than=3m": {3, 4, 5, 6}, "younger_than=90s": {0, 1},
		"started_before=" + url.QueryEscape(before): {3, 4, 5, 6}, "started_after=" + url.QueryEscape(before): {0, 1, 2}, "overdue=true": {5}, "overdue=false": {0, 1, 2, 3, 4, 5, 6},
		"q=" + url.QueryEscape("tenant=acme"): {6}, "q=user1": {1}, "workflow=payroll": {}, "older_than=3m&status=open&service=provisioner": {5, 6},
	} {
		var page struct{ Sagas []api.Saga }
		consoletest.Ask(t, h, "GET", "/api/v1/sagas?"+query, "", &page)
		got := fmt.Sprint(len(page.Sagas))
		for i, s := range page.Sagas {
			if i >= len(want) || s.ID != ids[want[i]] {
				got += " " + s.Subject
			}
		}
		if got != fmt.Sprint(len(want)) {
			t.Errorf("%s: %s, want %v", query, got, want)
		}
		if query == "order=oldest" || query == "status=open&order=oldest" {
			continue
		}
		var count struct {
			Count   int
			AtLeast bool `json:"at_least"`
		}
		consoletest.Ask(t, h, "GET", "/api/v1/sagas/count?"+query, "", &count)
		if count.Count != len(want) || count.AtLeast {
			t.Errorf("%s: counted %+v, want %d", query, count, len(want))
		}
	}
}

func TestGarbledFilters(t *testing.T) {
	_, h, _ := several(t)
	for query, field := range map[string]string{
		"older_than=old": "query.older_than", "younger_than=-1s": "query.younger_than", "started_after=noon": "query.started_after", "started_before=1": "query.started_before",
		"overdue=perhaps": "query.overdue", "status=lost": "query.status", "q=ab": "query.q", "older=3s": "query.older",
	} {
		for _, path := range []string{"/api/v1/sagas?", "/api/v1/sagas/count?"} {
			var got consoletest.Problem
			answer := consoletest.Ask(t, h, "GET", path+query, "", &got)
			if answer.StatusCode != http.StatusBadRequest || len(got.Errors) != 1 || got.Errors[0].Location != field {
				t.Errorf("%s%s: %d %+v", path, query, answer.StatusCode, got)
			}
		}
	}
	var got consoletest.Problem
	if answer := consoletest.Ask(t, h, "GET", "/api/v1/sagas?order=best", "", &got); answer.StatusCode != http.StatusBadRequest || got.Errors[0].Location != "query.order" {
		t.Errorf("%d %+v", answer.StatusCode, got)
	}
}

func TestUnchangedAnswers(t *testing.T) {
	w, h, ids := several(t)
	for _, path := range []string{"/api/v1/sagas/" + ids[0], "/api/v1/sagas?status=running"} {
		first := consoletest.Ask(t, h, "GET", path, "", nil)
		tag := first.Header.Get("ETag")
		if first.StatusCode != http.StatusOK || tag == "" {
			t.Fatalf("%s: %d %q", path, first.StatusCode, tag)
		}
		again := consoletest.Ask(t, h, "GET", path, "", nil, "If-None-Match", `W/"other", `+tag)
		if again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") != tag {
			t.Errorf("%s: %d %q", path, again.StatusCode, again.Header)
		}
		w.Run(ids[0])
		if changed := consoletest.Ask(t, h, "GET", path, "", nil, "If-None-Match", tag); changed.StatusCode != http.StatusOK || changed.Header.Get("ETag") == tag {
			t.Errorf("%s after a change: %d %q", path, changed.StatusCode, changed.Header)
		}
	}
	if answer := consoletest.Ask(t, h, "GET", "/api/v1/sagas?older_than=1s", "", nil); answer.Header.Get("ETag") != "" {
		t.Error("a list that changes with the clock has a tag")
	}
}
