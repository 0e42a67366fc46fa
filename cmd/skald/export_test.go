package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLsAll(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/sagas/export": {
		{http.StatusOK, `{"id":"` + sagaA + `","status":"halted","workflow":"onboarding","sentence":"Halted."}` + "\n"},
		{http.StatusOK, "id,workflow\nx,\"a\nb\"\n"}, {http.StatusOK, `{"id":1}` + "\n" + `{"id":2}` + "\n"}, {http.StatusOK, ""}, {http.StatusOK, `{"id":`},
		problemWith(http.StatusBadRequest, "the request is not valid"),
	}})
	for _, want := range []struct {
		args, out, errOut string
		code              int
	}{
		{"--all --cause 0123456789ab", sagaA + "  halted        -            onboarding\n  Halted.\n", "", exitOK},
		{"--csv --oldest", "id,workflow\nx,\"a\nb\"\n", "", exitOK},
		{"--all --json", `{"id":1}` + "\n" + `{"id":2}` + "\n", "", exitOK},
		{"--all", "", "no saga matches", exitOK},
		{"--all", "", "isn't whole", exitFailure},
		{"--all --status lost", "", "not valid", exitUsage},
		{"--all --limit 3", "", "--limit and --cursor", exitUsage},
		{"--csv --json", "", "either --csv or --json", exitUsage},
	} {
		code, out, errOut := f.skald(append([]string{"ls"}, strings.Fields(want.args)...)...)
		if code != want.code || out != want.out || !strings.Contains(errOut, want.errOut) {
			t.Errorf("%s: exit %d, %q, %q", want.args, code, out, errOut)
		}
	}
	asked := f.requests("GET")
	if len(asked) != 6 || asked[0] != "GET /api/v1/sagas/export?cause=0123456789ab&format=jsonl" || asked[1] != "GET /api/v1/sagas/export?format=csv&order=oldest" {
		t.Errorf("asked %q", asked)
	}
}

// A connection that breaks off is no whole answer.
func TestLsAllThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("id\nx\n"))
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's own is one
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	f := &fakeAPI{server: server}
	if code, out, errOut := f.skald("ls", "--csv"); code != exitFailure || out != "id\nx\n" || !strings.Contains(errOut, "isn't whole") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
}

// Filters redrive in the manners of cancel --all: counted, asked, and as many requests as it takes, all of the same position.
func TestDlqRedriveByFilter(t *testing.T) {
	const bulk = "POST /api/v1/sagas/bulk"
	count := reply{http.StatusOK, `{"selected":5,"left_out":2,"wanted":3,"position":7,"refusals":[]}`}
	f := newFakeAPI(t, map[string][]reply{bulk: {count, {http.StatusOK, `{"requested":2,"accepted":2,"next":"more","refusals":[]}`}, {http.StatusOK, `{"requested":1,"accepted":1,"refusals":[]}`}, count}})
	code, out, errOut := f.skald("dlq", "redrive", "--service", "notifier", "--topic", "notify", "--cause", "0123456789ab", "--reason", "mended", "--yes")
	if code != exitOK || !strings.HasPrefix(out, "3 sagas asked for: 3 accepted") || !strings.Contains(errOut, "5 sagas match; 2 are left out, as no dead letter halts them") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	asked := f.requests("POST")
	if len(asked) != 3 || !strings.Contains(asked[0], `{"action":"redrive","filter":{"cause":"0123456789ab","service":"notifier","topic":"notify"},"dry_run":true}`) ||
		!strings.Contains(asked[2], `"position":7,"cursor":"more","reason":"mended"`) {
		t.Errorf("asked %q", asked)
	}
	if code, _, errOut := f.skald("dlq", "redrive", "--service", "notifier"); code != exitUsage || !strings.Contains(errOut, "Redrive the dead letters that halt 3 sagas? [y/N]") || !strings.Contains(errOut, "nothing was redriven: nobody answered") {
		t.Errorf("exit %d, %q", code, errOut)
	}
	for _, args := range []string{"0/17 --service x", "--all --service x", "--service x --rate 3", "--service x --canary", "--service x --edit -"} {
		if code, _, errOut := f.skald(append([]string{"dlq", "redrive"}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(errOut, "go without them") {
			t.Errorf("%s: exit %d, %q", args, code, errOut)
		}
	}
	if n := len(f.requests("POST")); n != 4 {
		t.Errorf("%d requests", n)
	}
}
