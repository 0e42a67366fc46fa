package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

const cause = "0123456789ab"

// A redrive of a cause by the API alone, as the CLI does it.
func TestRedriveOfACause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := consoletest.NewWorld()
		w.HaltMany(cause, 60)
		h := console.New(w.Config(t))
		defer h.Close()
		call := func(method, path, body string, status int) (got api.CauseRedrive) {
			t.Helper()
			if answer := consoletest.Ask(t, h, method, "/api/v1/causes/"+cause+path, body, &got); answer.StatusCode != status {
				t.Fatalf("%s %s: %d %+v, want %d", method, path, answer.StatusCode, got, status)
			}
			return got
		}
		if got := call("GET", "/redrive", "", 200); got.Phase != "none" {
			t.Errorf("before any: %+v", got)
		}
		for _, wrong := range []string{`{"rate":1001}`, `{"limit":-1}`, `{"limit":100001}`, `{"canary":"yes"}`, `{"all":true}`, `{"reason":"` + strings.Repeat("x", 501) + `"}`} {
			call("POST", "/redrive", wrong, 400)
		}
		began := call("POST", "/redrive", `{"reason":"mended","by":"desk-2","rate":40,"limit":50}`, 202)
		if began.Letters != 50 || began.Phase != "running" || began.By != "desk-2" || began.Rate != 40 {
			t.Errorf("%+v", began)
		}
		synctest.Wait()
		call("POST", "/redrive", `{}`, 409) // one at a time
		if got := call("POST", "/redrive/pause", "", 202); got.Phase != "paused" || got.Requested != 20 {
			t.Errorf("%+v", got)
		}
		call("POST", "/redrive/pause", "", 409)
		time.Sleep(time.Minute) // of the bubble
		if got := call("GET", "/redrive", "", 200); got.Requested != 20 {
			t.Errorf("asked for more while it was paused: %+v", got)
		}
		call("POST", "/redrive/resume", "", 202)
		time.Sleep(2 * time.Second)
		w.LettersBecome("completed", slices.Collect(func(yield func(int64) bool) {
			for i := range int64(50) {
				if !yield(i) {
					return
				}
			}
		})...)
		time.Sleep(time.Second)
		done := call("GET", "/redrive", "", 200)
		want := api.CauseRedrive{
			Cause: cause, Kind: "redrive", Phase: "done", Reason: "mended", By: "desk-2", Rate: 40, Letters: 50, Requested: 50, Accepted: 50, Completed: 50, Refusals: []string{},
		}
		if diff := cmp.Diff(want, done, cmpopts.IgnoreFields(api.CauseRedrive{}, "Started", "Ended")); diff != "" || done.Ended.IsZero() {
			t.Error(diff, done.Ended)
		}
		if asked := w.Client.Requests(); len(asked) != 50 || asked[0] != "redrive dead letter 1/0 at notifier" {
			t.Errorf("%d asked, %v", len(asked), asked[:1])
		}
		call("POST", "/redrive/stop", "", 409)
		if got := call("POST", "/discard", `{"reason":"never","by":"desk-1"}`, 202); got.Kind != "discard" || got.Letters != 10 {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		if asked := w.Client.Requests(); len(asked) != 60 || asked[59] != "discard dead letter 1/59 at notifier" {
			t.Errorf("%d asked", len(asked))
		}
		var all struct{ Redrives []api.CauseRedrive }
		if consoletest.Ask(t, h, "GET", "/api/v1/redrives", "", &all); len(all.Redrives) != 1 || all.Redrives[0].Phase != "following" {
			t.Errorf("%+v", all)
		}
		w.LettersBecome(tracker.LetterTurned, 50)
		if got := consoletest.Ask(t, h, http.MethodPost, "/api/v1/causes/"+cause+"/redrive/skip", "", nil); got.StatusCode != http.StatusNotFound {
			t.Error(fmt.Sprint(got))
		}
	})
}
