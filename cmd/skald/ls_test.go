package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLs(t *testing.T) {
	started := time.Now().Add(-41 * time.Minute).UTC().Format(time.RFC3339)
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/sagas": {
		{http.StatusOK, `{"sagas":[{"id":"` + sagaA + `","workflow":"onboarding-of-everybody","subject":"mira.castellanos@example.com","status":"halted","started":"` + started +
			`","sentence":"Halted at notifier: dead letter after 5 attempts, SMTP 451. It goes on when it is redriven."},` +
			`{"id":"` + sagaB + `","workflow":"onboarding","subject":"\u001b[2J","status":"completed","started":"2026-03-01T09:00:00Z","ended":"2026-03-01T09:00:01.5Z","sentence":"Completed in 1.50 s."}],"next":"abc"}`},
		{http.StatusOK, `{"sagas":[]}`},
	}})
	code, out, errOut := f.skald("ls", "--status", "open", "--service", "notifier", "--topic", "notify", "--older-than", "10m", "--younger-than", "7d", "--overdue", "--stuck",
		"--search", "tenant=acme", "--started-after", "2026-03-01T00:00:00Z", "--oldest", "--limit", "2")
	want := sagaA + "  halted        41 min 0 s   onboarding-of…\n  mira.castellanos@example.com: Halted at notifier: dead letter after 5 attempt…\n" +
		sagaB + "  completed     1.50 s       onboarding\n  \"\\x1b[2J\": Completed in 1.50 s.\n"
	if code != exitOK || out != want || !strings.Contains(errOut, "there are more: --cursor abc") {
		t.Errorf("exit %d, stderr %q, stdout\n%s\nwant\n%s", code, errOut, out, want)
	}
	wantNarrow(t, out)
	asked, err := url.Parse(strings.Fields(f.requests("")[0])[1])
	if err != nil {
		t.Fatal(err)
	}
	if got := asked.Query().Encode(); got != "limit=2&older_than=10m&order=oldest&overdue=true&q=tenant%3Dacme&service=notifier&started_after=2026-03-01T00%3A00%3A00Z&status=open&stuck=true&topic=notify&younger_than=7d" {
		t.Error(got)
	}
	if code, out, errOut := f.skald("ls"); code != exitOK || out != "" || errOut != "no saga matches\n" {
		t.Errorf("exit %d %q %q", code, out, errOut)
	}
}

func TestCancelAll(t *testing.T) {
	const dry = `{"selected":1284,"left_out":16,"wanted":1268,"refusals":[],"position":77}`
	first := `{"requested":1000,"accepted":1000,"refusals":[],"next":"5.x"}`
	for name, test := range map[string]struct {
		args, in string
		answers  []string
		code     int
		out      string
		says     []string // on stderr
		asks     []string // of each request's body a part
	}{
		"yes": {
			"--workflow onboarding --overdue --reason wrong --yes", "", []string{dry, first, `{"requested":268,"accepted":268,"refusals":[]}`}, exitOK,
			"1,268 sagas asked for: 1,268 accepted, 0 refused, 0 not answered yet\n", []string{"1,284 sagas match; 16 are left out"},
			[]string{`"filter":{"overdue":true,"workflow":"onboarding"},"dry_run":true`, `"position":77,"reason":"wrong"`, `"cursor":"5.x"`},
		},
		"asked":     {"--reason wrong", "y\n", []string{dry, `{"requested":1,"accepted":1,"refusals":[]}`}, exitOK, "1 saga asked for: 1 accepted, 0 refused, 0 not answered yet\n", []string{"Cancel 1,268 sagas, and undo what they have done? [y/N] "}, []string{"", ""}},
		"no":        {"--reason wrong", "n\n", []string{dry}, exitOK, "", []string{"nothing was cancelled"}, []string{""}},
		"nobody":    {"--reason wrong", "", []string{dry}, exitUsage, "", []string{"Give --yes"}, []string{""}},
		"none":      {"--reason wrong --yes", "", []string{`{"selected":3,"left_out":3,"refusals":[]}`}, exitOK, "", []string{"there is nothing to cancel: of the 3 sagas that match"}, []string{""}},
		"refused":   {"--reason wrong --yes --json", "", []string{dry, `{"requested":2,"accepted":1,"refused":1,"refusals":["decided"]}`}, exitFailure, `{"accepted":1,"refusals":["decided"],"refused":1,"requested":2,"unanswered":0}` + "\n", []string{"refused: decided", "1 of 2 were refused"}, []string{"", ""}},
		"away":      {"--reason wrong --yes", "", []string{dry, `{"requested":100,"unanswered":100,"refusals":[],"next":"5.x"}`}, exitFailure, "100 sagas asked for: 0 accepted, 0 refused, 100 not answered yet\n", []string{"cancel them again when it runs"}, []string{"", ""}},
		"no reason": {"--yes", "", nil, exitUsage, "", []string{"needs --reason"}, nil},
		"both":      {sagaA + " --reason x", "", nil, exitUsage, "", []string{"not both"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string][]reply{}
			for _, a := range test.answers {
				answers["POST /api/v1/sagas/bulk"] = append(answers["POST /api/v1/sagas/bulk"], reply{http.StatusOK, a})
			}
			f := newFakeAPI(t, answers)
			var out, errOut lockedBuffer
			code := run(context.Background(), append(append([]string{"cancel", "--all"}, strings.Fields(test.args)...), "--server", f.server.URL), strings.NewReader(test.in), &out, &errOut)
			if code != test.code || out.String() != test.out {
				t.Errorf("exit %d, stdout %q, stderr %q\nwant %d, %q", code, out.String(), errOut.String(), test.code, test.out)
			}
			for _, part := range test.says {
				if !strings.Contains(errOut.String(), part) {
					t.Errorf("stderr %q, want %q in it", errOut.String(), part)
				}
			}
			asked := f.requests("")
			if len(asked) != len(test.asks) {
				t.Fatalf("asked %q, want %d requests", asked, len(test.asks))
			}
			for i, part := range test.asks {
				if !strings.Contains(asked[i], part) {
					t.Errorf("asked %s, want %s in it", asked[i], part)
				}
			}
		})
	}
	f := newFakeAPI(t, nil)
	if code, _, errOut := f.skald("cancel", sagaA, "--workflow", "onboarding"); code != exitUsage || !strings.Contains(errOut, "filters go with --all") {
		t.Errorf("exit %d %q", code, errOut)
	}
}
