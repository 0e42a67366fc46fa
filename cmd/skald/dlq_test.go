package main

import (
	"fmt"
	"net/http"
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
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/causes": {causes(7, 2, 3, 0)}})
	code, out, errOut := f.skald("dlq", "ls")
	wantNarrow(t, out)
	lines := strings.Split(out, "\n")
	if code != exitOK || errOut != "" || len(lines) != 4 {
		t.Fatalf("exit %d, %q, %q", code, out, errOut)
	}
	if got := strings.Join(strings.Fields(lines[1]), " "); got != "3fa9c01b77de 7 2 3 0 "+clockOf(t)+" notifier/notify" {
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

func TestDlqRedriveACause(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes":                       {causes(5, 0, 1, 1), causes(5, 0, 1, 1), causes(0, 4, 2, 1), causes(1, 0, 5, 2)},
		"POST /api/v1/causes/3fa9c01b77de/redrive": {{http.StatusAccepted, `{"requested":5,"accepted":5,"refused":0,"unanswered":0}`}},
	})
	code, out, errOut := f.skald("dlq", "redrive", "--cause", "3fa9c01b77de", "--limit", "5")
	if code != exitOK || out != "requested 5, redelivered 5, completed 4, not completed 1\n" || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	if asked := f.requests("POST"); len(asked) != 1 || !strings.Contains(asked[0], `"limit":5`) {
		t.Errorf("asked %q", asked)
	}
}

// The API takes 1000 at a time: the next go when the console has heard of those before.
func TestDlqRedriveManyOfACause(t *testing.T) {
	path := "POST /api/v1/causes/3fa9c01b77de/redrive"
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes": {causes(1500, 0, 0, 0), causes(1500, 0, 0, 0), causes(500, 400, 600, 0), causes(0, 0, 1500, 0)},
		path: {
			{http.StatusAccepted, `{"requested":1000,"accepted":1000,"refused":0,"unanswered":0,"left":500}`},
			{http.StatusAccepted, `{"requested":500,"accepted":500,"refused":0,"unanswered":0,"left":0}`},
		},
	})
	code, out, errOut := f.skald("dlq", "redrive", "--cause", "3fa9c01b77de")
	if code != exitOK || out != "requested 1500, redelivered 1500, completed 1500\n" || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}

	f = newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes": {causes(1500, 0, 0, 0), causes(500, 0, 1000, 0), causes(300, 0, 1200, 0)},
		path: {
			{http.StatusAccepted, `{"requested":1000,"accepted":1000,"refused":0,"unanswered":0,"left":500}`},
			{http.StatusAccepted, `{"requested":200,"accepted":200,"refused":0,"unanswered":0,"left":300}`},
		},
	})
	code, out, _ = f.skald("dlq", "redrive", "--cause", "3fa9c01b77de", "--limit", "1200")
	asked := f.requests("POST")
	if code != exitOK || out != "requested 1200, redelivered 1200, completed 1200\n" || len(asked) != 2 ||
		!strings.Contains(asked[0], `"limit":1000`) || !strings.Contains(asked[1], `"limit":200`) {
		t.Errorf("exit %d, %q, asked %q", code, out, asked)
	}

	f = newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes": {causes(1500, 0, 0, 0)},
		path:                 {{http.StatusAccepted, `{"requested":100,"accepted":0,"refused":0,"unanswered":100,"left":1400}`}},
	})
	code, out, errOut = f.skald("dlq", "redrive", "--cause", "3fa9c01b77de", "--wait", "0s")
	if code != exitFailure || out != "requested 100, redelivered 0, without an answer yet 100\n" ||
		errOut != "skald: 1400 more letters were not asked for, as their service doesn't answer\n" {
		t.Errorf("service away: exit %d, %q, %q", code, out, errOut)
	}
}

func TestDlqRedriveAll(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes":                       {causes(2, 0, 0, 0), causes(2, 0, 0, 0), causes(0, 0, 1, 0)},
		"POST /api/v1/causes/3fa9c01b77de/redrive": {{http.StatusAccepted, `{"requested":2,"accepted":1,"refused":1,"unanswered":0,"refusals":["the saga has ended"]}`}},
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

// What isn't through when the time to wait is over goes on by itself.
func TestDlqRedriveWaitsNoLongerThanTold(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/causes":                       {causes(5, 0, 0, 0)},
		"POST /api/v1/causes/3fa9c01b77de/redrive": {{http.StatusAccepted, `{"requested":5,"accepted":4,"refused":0,"unanswered":1}`}},
	})
	code, out, errOut := f.skald("dlq", "redrive", "--cause", "3fa9c01b77de", "--wait", "1ms")
	if code != exitOK || out != "requested 5, redelivered 4, completed 0, without an answer yet 1\n" || !strings.Contains(errOut, "within 1ms") {
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
		"dlq redrive":                     "one of three ways",
		"dlq redrive 0/17 --all":          "one of three ways",
		"dlq redrive 0/17 --limit 3":      "--limit 3",
		"dlq redrive --all --limit -1":    "--limit -1",
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
