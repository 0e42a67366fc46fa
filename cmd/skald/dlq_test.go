package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const at = "2026-11-24T09:14:03Z"

func causes(halted, redriven, completed, other int) reply {
	return reply{http.StatusOK, fmt.Sprintf(`{"causes":[{"cause":"3fa9c01b77de","service":"notifier","step":"notify","class":"failed",
		"error":"SMTP 451 4.3.0 %s","letters":%d,"halted":%d,"redriven":%d,"completed":%d,"other":%d,"first":"`+at+`","last":"`+at+`"}]}`,
		strings.Repeat("Try again later. ", 10), halted+redriven+completed+other, halted, redriven, completed, other)}
}

func letterWith(status string) reply {
	return reply{http.StatusOK, `{"partition":0,"offset":17,"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","cause":"3fa9c01b77de","saga":"` + sagaA + `",
		"workflow":"onboarding","subject":"ada@example.com","service":"notifier","step":"notify","class":"failed","error":"SMTP 451 4.3.0 Try again later",
		"attempts":8,"redrives":1,"time":"` + at + `","event_id":"e1","status":"` + status + `","topic":"notify","original_partition":0,"original_offset":4,
		"headers":[["ce_type","notify"],["ce_route","` + strings.Repeat("x", 200) + `"]],"payload":{"grants":["vpn"]},"payload_bytes":18}`}
}

func clockOf(t *testing.T) string {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return clock(parsed)
}

func TestDlqLsGroupsByCause(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/causes": {causes(7, 2, 3, 1)}})
	code, out, errOut := f.skald("dlq", "ls")
	wantNarrow(t, out)
	lines := strings.Split(out, "\n")
	if code != exitOK || errOut != "" || len(lines) != 4 {
		t.Fatalf("exit %d, %q, %q", code, out, errOut)
	}
	if got := strings.Join(strings.Fields(lines[1]), " "); got != "3fa9c01b77de 7 2 3 1 "+clockOf(t)+" notifier/notify" {
		t.Errorf("row %q", got)
	}
	if !strings.HasPrefix(lines[2], "  failed: SMTP 451 4.3.0 Try again later. ") || !strings.HasSuffix(lines[2], "…") {
		t.Errorf("error %q", lines[2])
	}
	if _, out, _ := f.skald("dlq", "ls", "--json"); !strings.HasPrefix(out, `{"causes":[{"cause":"3fa9c01b77de"`) {
		t.Errorf("JSON %q", out)
	}
}

func TestDlqLsOfACause(t *testing.T) {
	one := letterWith("halted").body
	two := strings.ReplaceAll(strings.ReplaceAll(one, `"saga":"`+sagaA+`",`, ""), `ada@example.com`, `\u001b[2J`+strings.Repeat("long", 30))
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/letters": {{http.StatusOK, `{"letters":[` + one + `,` + two + `],"next":"more"}`}}})
	code, out, errOut := f.skald("dlq", "ls", "--cause", "3fa9c01b77de", "--status", "halted", "--limit", "2")
	wantNarrow(t, out)
	if code != exitOK || !strings.Contains(out, "0/17     halted       "+sagaA+" ada@example.com") || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if !strings.Contains(errOut, "--cursor more") {
		t.Errorf("stderr %q", errOut)
	}
	if got := f.requests("GET"); len(got) != 1 || got[0] != "GET /api/v1/letters?cause=3fa9c01b77de&limit=2&status=halted" {
		t.Errorf("asked %q", got)
	}
}

func TestDlqShow(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/letters/0/17": {letterWith("halted")}})
	code, out, _ := f.skald("dlq", "show", "0/17")
	wantNarrow(t, out)
	want := `0/17 halted, of cause 3fa9c01b77de
step      notifier/notify
failed    SMTP 451 4.3.0 Try again later
attempts  8, the last at ` + clockOf(t) + `; redriven 1 times before
saga      ` + sagaA + ` onboarding
subject   ada@example.com
event     e1
from      notify, partition 0, offset 4
  ce_type: notify
  ce_route: ` + strings.Repeat("x", 67) + `…

{
  "grants": [
    "vpn"
  ]
}
`
	if code != exitOK || out != want {
		t.Errorf("exit %d\n%s\nwant\n%s", code, out, want)
	}
}

// A single letter is followed until it is known what became of it.
func TestDlqRedriveOne(t *testing.T) {
	path := "/api/v1/letters/0/17"
	f := newFakeAPI(t, map[string][]reply{
		"POST " + path + "/redrive": {{http.StatusOK, `{"state":"accepted","text":"redriven, for the first time"}`}, problemWith(http.StatusConflict, "it was redriven before")},
		"GET " + path:               {letterWith("halted"), letterWith("redriven"), letterWith("completed")},
	})
	code, out, errOut := f.skald("dlq", "redrive", "0/17", "--reason", "mended")
	if code != exitOK || out != "0/17 accepted: redriven, for the first time\n0/17 completed\n" || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	if asked := f.requests("POST"); len(asked) != 1 || !strings.Contains(asked[0], `"reason":"mended"`) {
		t.Errorf("asked %q", asked)
	}
	code, out, errOut = f.skald("dlq", "redrive", "0/17")
	if code != exitFailure || out != "" || errOut != "skald: it was redriven before\n" {
		t.Errorf("again: exit %d, %q, %q", code, out, errOut)
	}
	if n := len(f.requests("GET")); n != 3 {
		t.Errorf("%d looks, want 3: a letter that was refused isn't followed", n)
	}
}

const causeRedrive = "/api/v1/causes/3fa9c01b77de/redrive"

func runOf(phase, why string, letters, accepted, refused, unanswered, completed, again int) reply {
	return reply{http.StatusAccepted, fmt.Sprintf(`{"cause":"3fa9c01b77de","kind":"redrive","phase":%q,"why":%q,"letters":%d,"requested":%d,"accepted":%d,"refused":%d,
		"unanswered":%d,"completed":%d,"halted_again":%d,"other":0,"refusals":[%s]}`, phase, why, letters, accepted+refused+unanswered, accepted, refused, unanswered,
		completed, again, map[bool]string{true: `"the saga has ended"`}[refused > 0])}
}

// The console does it; the command follows.
func TestDlqRedriveACause(t *testing.T) {
	for _, test := range []struct {
		args        string
		states      []reply // the first answers the request
		code        int
		out, errOut string
		asks        string
	}{
		{"", []reply{runOf("running", "", 5, 2, 0, 0, 0, 0), runOf("following", "", 5, 5, 0, 0, 3, 1), runOf("done", "", 5, 5, 0, 0, 4, 1)},
			exitOK, "requested 5, redelivered 5, completed 4, not completed 1\n", "", `"reason":""`},
		{"--limit 5 --rate 7 --canary --reason mended", []reply{runOf("canary", "", 5, 0, 0, 0, 0, 0), runOf("stopped", "the canary halted again", 5, 1, 0, 0, 0, 1)},
			exitFailure, "requested 1, redelivered 1, completed 0, not completed 1\n", "skald: 3fa9c01b77de: stopped after 1 of 5: the canary halted again\n",
			`"limit":5,"rate":7,"canary":true`},
		{"", []reply{runOf("running", "", 1500, 100, 0, 0, 0, 0), runOf("paused", "notifier hasn't answered", 1500, 100, 0, 10, 0, 0)},
			exitFailure, "requested 110, redelivered 100, completed 0, without an answer yet 10\n", "skald: 3fa9c01b77de: paused after 110 of 1500: notifier hasn't answered\n", ""},
		{"--wait 0s", []reply{runOf("running", "", 5, 0, 0, 0, 0, 0)}, exitOK, "requested 0, redelivered 0\n", "", ""},
		{"--wait 1ms", []reply{runOf("running", "", 5, 4, 0, 1, 0, 0)}, exitOK, "requested 5, redelivered 4, completed 0, without an answer yet 1\n",
			"not all have come to their end within 1ms. It goes on in the console: skald dlq status, skald dlq ls\n", ""},
	} {
		f := newFakeAPI(t, map[string][]reply{"POST " + causeRedrive: test.states[:1], "GET " + causeRedrive: test.states[min(1, len(test.states)-1):]})
		code, out, errOut := f.skald(append([]string{"dlq", "redrive", "--cause", "3fa9c01b77de"}, strings.Fields(test.args)...)...)
		if code != test.code || out != test.out || errOut != test.errOut {
			t.Errorf("%s: exit %d, %q, %q", test.args, code, out, errOut)
		}
		if asked := f.requests("POST"); len(asked) != 1 || !strings.Contains(asked[0], test.asks) {
			t.Errorf("%s: asked %q", test.args, asked)
		}
	}
}

func TestDlqRedriveAll(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes":   {causes(2, 0, 0, 0)},
		"POST " + causeRedrive: {runOf("running", "", 2, 0, 0, 0, 0, 0)},
		"GET " + causeRedrive:  {runOf("done", "", 2, 1, 1, 0, 1, 0)},
	})
	code, out, errOut := f.skald("dlq", "redrive", "--all", "--json")
	want := `{"requested":2,"redelivered":1,"completed":1,"other":0,"refused":1,"unanswered":0,"refusals":["the saga has ended"]}` + "\n"
	if code != exitFailure || out != want || errOut != "skald: 1 were refused: the saga has ended\n" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	f = newFakeAPI(t, map[string][]reply{"GET /api/v1/causes": {causes(0, 0, 1, 0)}})
	if code, _, errOut := f.skald("dlq", "redrive", "--all"); code != exitOK || !strings.Contains(errOut, "nothing to redrive") {
		t.Errorf("nothing halted: exit %d, %q", code, errOut)
	}
	if code, out, _ := f.skald("dlq", "redrive", "--all", "--json"); code != exitOK || !strings.HasPrefix(out, `{"requested":0,`) {
		t.Errorf("nothing halted, in JSON: exit %d, %q", code, out)
	}
}

func TestDlqStatusAndChanges(t *testing.T) {
	paused := runOf("paused", "notifier hasn't answered 10 requests within 10s, and does it as soon as it runs", 1500, 100, 0, 10, 3, 1)
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/redrives":             {{http.StatusOK, `{"redrives":[` + paused.body + `]}`}, {http.StatusOK, `{"redrives":[]}`}},
		"POST " + causeRedrive + "/stop":   {paused},
		"POST " + causeRedrive + "/resume": {problemWith(http.StatusConflict, "there is nothing to resume")},
	})
	const want = "3fa9c01b77de redrive paused\n  requested 110 of 1500, redelivered 100, refused 0, unanswered 10\n" +
		"  completed 3, halted again 1, not completed 0\n  notifier hasn't answered 10 requests within 10s, and does it as soon as it runs\n"
	if code, out, _ := f.skald("dlq", "status"); code != exitOK || out != want {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, errOut := f.skald("dlq", "status"); code != exitOK || out != "" || !strings.Contains(errOut, "no cause was redriven") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	if code, out, _ := f.skald("dlq", "stop", "3fa9c01b77de"); code != exitOK || out != want {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, _, errOut := f.skald("dlq", "resume", "3fa9c01b77de"); code != exitFailure || errOut != "skald: there is nothing to resume\n" {
		t.Errorf("exit %d, %q", code, errOut)
	}
}

func TestDlqDiscardACause(t *testing.T) {
	state := runOf("done", "", 2, 2, 0, 0, 0, 0)
	state.body = strings.Replace(state.body, `"other":0`, `"other":2`, 1)
	f := newFakeAPI(t, map[string][]reply{"POST /api/v1/causes/3fa9c01b77de/discard": {state}, "GET " + causeRedrive: {state}})
	if code, out, errOut := f.skald("dlq", "discard", "--cause", "3fa9c01b77de", "--reason", "ordered twice"); code != exitOK || out != "requested 2, discarded 2, ended 2\n" || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
}

func TestDlqDiscard(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{
		"POST /api/v1/letters/0/17/discard": {{http.StatusOK, `{"state":"accepted","text":"discarded: what was done is being undone"}`}},
	})
	code, out, _ := f.skald("dlq", "discard", "0/17", "--reason", "ordered twice")
	if code != exitOK || out != "0/17 accepted: discarded: what was done is being undone\n" {
		t.Errorf("exit %d, %q", code, out)
	}
}

func TestDlqCalledWrongly(t *testing.T) {
	for args, says := range map[string]string{
		"dlq show":                        "0/17",
		"dlq show seventeen":              `"seventeen" names no dead letter`,
		"dlq show 0/-1":                   "names no dead letter",
		"dlq redrive":                     "one of four ways",
		"dlq redrive 0/17 --all":          "one of four ways",
		"dlq redrive 0/17 --limit 3":      "--limit 3",
		"dlq redrive --all --limit -1":    "--limit -1",
		"dlq redrive 0/17 --canary":       "go with --cause or --all",
		"dlq redrive --all --rate 1001":   "1 to 1000",
		"dlq discard 0/17 --cause x":      "or --cause CAUSE",
		"dlq discard --cause x":           "needs --reason",
		"dlq pause":                       "name one cause",
		"dlq redrive 0/17 1/x":            `"1/x"`,
		"dlq discard 0/17":                "needs --reason",
		"dlq discard --reason x":          "0/17",
		"dlq ls extra":                    "extra",
		"dlq redrive --cause nobodyknows": "/api/v1/causes/nobodyknows/redrive",
	} {
		f := newFakeAPI(t, map[string][]reply{"GET /api/v1/causes": {causes(0, 0, 0, 0)}})
		code, out, errOut := f.skald(strings.Fields(args)...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, says) {
			t.Errorf("%s: exit %d, %q, %q, want 2 and a word on %q", args, code, out, errOut, says)
		}
		if posted := f.requests("POST /api/v1/letters"); len(posted) > 0 {
			t.Errorf("%s: asked %q", args, posted)
		}
	}
}

// An edited payload goes to the API as it is in the file: numbers of any size, and no other letter.
func TestDlqRedriveEdited(t *testing.T) {
	path := "/api/v1/letters/0/17"
	f := newFakeAPI(t, map[string][]reply{
		"POST " + path + "/redrive": {{http.StatusOK, `{"state":"accepted","text":"redriven, with another payload, for the first time"}`}},
		"GET " + path:               {letterWith("completed")},
	})
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte("{\"n\": 12345678901234567890.10}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := f.skald("dlq", "redrive", "0/17", "--edit", file, "--reason", "typing error", "--wait", "0")
	if code != exitOK || !strings.Contains(out, "with another payload") || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	if got := f.requests("POST"); len(got) != 1 || !strings.Contains(got[0], `"payload":{"n":12345678901234567890.10}`) {
		t.Errorf("asked %q", got)
	}
	if _, out, _ := f.skald("dlq", "show", "0/17", "--payload"); out != "{\n  \"grants\": [\n    \"vpn\"\n  ]\n}\n" {
		t.Errorf("payload %q", out)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"n":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"isn't valid JSON": {"0/17", "--edit", bad}, "no such file": {"0/17", "--edit", bad + "x"}, "it is empty": {"0/17", "--edit", "-"},
		"one letter": {"0/17", "0/18", "--edit", file}, "goes with one letter": {"--all", "--edit", file},
	} {
		if code, _, errOut := f.skald(append([]string{"dlq", "redrive"}, args...)...); code != exitUsage || !strings.Contains(errOut, says) {
			t.Errorf("%v: exit %d, %q, want %q", args, code, errOut, says)
		}
	}
	if got := f.requests("POST"); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
}
