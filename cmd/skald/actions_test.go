package main

import (
	"net/http"
	"strings"
	"testing"
)

const (
	sagaA = "01a20d67-0d4a-7dab-93bd-90c6d23e60cb"
	sagaB = "01a20d67-0c9d-7ea8-946b-19e8c481642b"
)

func TestActionsOnSagas(t *testing.T) {
	yes := []reply{{http.StatusOK, `{"state":"accepted","text":"the saga is being cancelled"}`}}
	over := []reply{problemWith(http.StatusConflict, "the saga has ended: its outcome is decided")}
	for name, test := range map[string]struct {
		args    string
		answers map[string][]reply
		code    int
		out     string
		says    string   // on stderr
		asks    []string // of each request's body a part
	}{
		"cancel": {
			"cancel " + sagaA + " --reason done", map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": yes},
			exitOK, sagaA + " accepted: the saga is being cancelled\n", "", []string{`"reason":"done"`},
		},
		"cancel, in JSON": {
			"cancel " + sagaA + " --json", map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": yes},
			exitOK, `{"id":"` + sagaA + `","state":"accepted","text":"the saga is being cancelled"}` + "\n", "", []string{`"reason":""`},
		},
		"the service is away": {
			"cancel " + sagaA, map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": {{http.StatusAccepted, `{"state":"requested","text":"provisioner has not answered yet"}`}}},
			exitOK, sagaA + " requested: provisioner has not answered yet\n", "", []string{""},
		},
		"a saga that has ended": {
			"cancel " + sagaA, map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": over},
			exitFailure, "", "skald: the saga has ended: its outcome is decided\n", []string{""},
		},
		"one of two has ended": {
			"cancel " + sagaA + " " + sagaB, map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": over, "POST /api/v1/sagas/" + sagaB + "/cancel": yes},
			exitFailure, sagaB + " accepted: the saga is being cancelled\n",
			sagaA + " refused: the saga has ended: its outcome is decided\nskald: 1 of 2 could not be done, for the reasons above\n", []string{"", ""},
		},
		"one has ended, in JSON": {
			"cancel " + sagaA + " --json", map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": over},
			exitFailure, `{"id":"` + sagaA + `","state":"refused","text":"the saga has ended: its outcome is decided"}` + "\n", "decided", []string{""},
		},
		"no such saga": {"cancel nobody", nil, exitUsage, "", "skald: there is nothing at /api/v1/sagas/nobody/cancel\n", []string{""}},
		"no ID":        {"cancel", nil, exitUsage, "", "give the IDs of sagas", nil},
		"abandon": {
			"abandon " + sagaA + " --reason lost", map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/abandon": {{http.StatusOK, `{"state":"accepted","text":"the saga is abandoned: nothing was undone"}`}}},
			exitOK, sagaA + " accepted: the saga is abandoned: nothing was undone\n", "", []string{`"reason":"lost"`},
		},
		"abandon without a reason": {"abandon " + sagaA, nil, exitUsage, "", "needs --reason", nil},
		"unblock": {
			"unblock " + sagaA, map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/unblock": {{http.StatusOK, `{"state":"accepted","text":"it is tried again"}`}}},
			exitOK, sagaA + " accepted: it is tried again\n", "", []string{`"decision":"retry"`},
		},
		"unblock as resolved": {
			"unblock " + sagaA + " --resolved --reason carried", map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/unblock": {{http.StatusOK, `{"state":"accepted","text":"taken as undone: the saga goes on"}`}}},
			exitOK, sagaA + " accepted: taken as undone: the saga goes on\n", "", []string{`"reason":"carried","by":`},
		},
		"unblock as resolved without a reason": {"unblock " + sagaA + " --resolved", nil, exitUsage, "", "needs --reason", nil},
		"an answer that moves the cursor": {
			"cancel " + sagaA, map[string][]reply{"POST /api/v1/sagas/" + sagaA + "/cancel": {{http.StatusOK, `{"state":"accepted","text":"\u001b[2J"}`}}},
			exitOK, sagaA + ` accepted: "\x1b[2J"` + "\n", "", []string{""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAPI(t, test.answers)
			code, out, errOut := f.skald(strings.Fields(test.args)...)
			if code != test.code || out != test.out || !strings.Contains(errOut, test.says) {
				t.Errorf("exit %d, stdout %q, stderr %q\nwant %d, %q, and %q in it", code, out, errOut, test.code, test.out, test.says)
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
}
