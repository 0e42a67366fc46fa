package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMapIsDrawn(t *testing.T) {
	f := newFakeAPI(t, map[string][]reply{"GET /api/v1/map": {{http.StatusOK, "<svg/>\n"}}})
	file := filepath.Join(t.TempDir(), "map.svg")
	for _, args := range [][]string{{"map"}, {"map", "--format", "svg", "--workflow", "onboarding", "--window", "1h", "-o", file}, {"map", "--json"}} {
		if code, _, errOut := f.skald(args...); code != exitOK {
			t.Fatalf("%v: %d %s", args, code, errOut)
		}
	}
	asked := f.requests("GET")
	want := []string{
		"GET /api/v1/map?format=mermaid&window=5m", "GET /api/v1/map?format=svg&window=1h&workflow=onboarding", "GET /api/v1/map?format=json&window=5m",
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked %q", asked)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "<svg/>\n" {
		t.Errorf("%q %v", got, err)
	}
	if _, out, _ := f.skald("map"); out != "<svg/>\n" {
		t.Errorf("%q", out)
	}
	if code, _, errOut := f.skald("map", "-o", filepath.Join(file, "no")); code != exitFailure || !strings.Contains(errOut, "write the map") {
		t.Errorf("%d %s", code, errOut)
	}
}

func TestMapIsChecked(t *testing.T) {
	const (
		workflows = `"workflows":[{"name":"onboarding","initiator":"provisioner","start":"new-user","end":"notified"}]`
		broken    = `{"kind":"no-return","breaks":true,"workflow":"onboarding","text":"notifier takes notify of onboarding and sends nothing on."}`
		foreign   = `{"kind":"undeclared","breaks":true,"text":"\u001b[2J sends to sms-out."}`
		remark    = `{"kind":"unread","breaks":false,"text":"notifier writes stats, and no service reads it."}`
	)
	for name, test := range map[string]struct {
		body        string
		args        []string
		code        int
		out, errOut string
	}{
		"all is well":      {`{` + workflows + `,"findings":[` + remark + `]}`, nil, exitOK, "", "remark: unread: notifier writes stats, and no service reads it.\nevery branch returns"},
		"a branch is lost": {`{` + workflows + `,"findings":[` + broken + `,` + foreign + `]}`, nil, exitFailure, "no-return: notifier takes notify of onboarding and sends nothing on.\nundeclared: \"\\x1b[2J sends", "the map has findings: 2"},
		"as JSON":          {`{` + workflows + `,"findings":[` + broken + `]}`, []string{"--json"}, exitFailure, `{"findings":[{"kind":"no-return","breaks":true`, "the map has findings: 1"},
		"nothing there":    {`{"workflows":[],"findings":[]}`, nil, exitFailure, "", "no service has declared a workflow yet"},
		"no such workflow": {`{` + workflows + `,"findings":[]}`, []string{"--workflow", "x"}, exitUsage, "", "no service declares it"},
		"another workflow": {`{"workflows":[{"name":"other"}],"findings":[` + broken + `]}`, []string{"--workflow", "other"}, exitOK, "", "every branch returns"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAPI(t, map[string][]reply{"GET /api/v1/map": {{http.StatusOK, test.body}}})
			code, out, errOut := f.skald(append([]string{"map", "--check"}, test.args...)...)
			if code != test.code || !strings.HasPrefix(out, test.out) || test.out == "" && out != "" || !strings.Contains(errOut, test.errOut) {
				t.Errorf("%d\n%s\n%s", code, out, errOut)
			}
		})
	}
}
