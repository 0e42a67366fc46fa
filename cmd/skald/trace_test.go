package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/tracker"
)

var traceEpoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func encodedReply(v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply{http.StatusOK, string(b)}
}

// undoneSaga was turned back, and undone at the second attempt.
func undoneSaga() (api.Saga, []api.Event) {
	at := func(s float64) time.Time { return traceEpoch.Add(time.Duration(s * float64(time.Second))) }
	step := func(hop int, service, topic, state string, queued, started, finished float64) api.Step {
		return api.Step{Hop: hop, Service: service, Topic: topic, State: state, Queued: at(queued), Accepted: at(queued), Started: at(started), Finished: at(finished), EventID: fmt.Sprint("e", hop)}
	}
	undo := step(2, "provisioner", "new-user", "done", 5, 8, 9)
	undo.Undo = true
	s := api.Saga{
		ID: sagaA, Workflow: "onboarding", Subject: "bo.okafor@example.com", Status: "rejected", Outcome: "rejected", Reason: "550 no such mailbox", Started: at(0), Ended: at(10), Seq: 7,
		Sentence: "Rejected after 10.0 s: 550 no such mailbox; provisioner has undone what it did, which was to reserve a device.",
		Steps:    []api.Step{step(0, "provisioner", "new-user", "done", 0, 1, 2), step(1, "authorizer", "authorize", "turned", 2, 3, 5), undo},
	}
	return s, []api.Event{
		{Type: "onboarding.new-user", Payload: []byte("{}")},
		{Type: tracker.AttemptType, Time: at(6), Payload: []byte(`{"id":"e2","attempt":1,"error":"database is locked, ` + strings.Repeat("and so on, ", 20) + `","due":"2026-03-01T09:00:08Z"}`)},
	}
}

func TestTraceDrawsTime(t *testing.T) {
	saga, events := undoneSaga()
	saga.Steps[1].EditedBy = "ada\x1b[2J"
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/sagas/" + sagaA:             {encodedReply(saga)},
		"GET /api/v1/sagas/" + sagaA + "/events": {encodedReply(map[string]any{"events": events[:1], "next": "a/0/0"}), encodedReply(map[string]any{"events": events[1:]})},
	})
	code, out, errOut := f.skald("trace", sagaA)
	if code != exitOK {
		t.Fatal(code, errOut)
	}
	wantNarrow(t, out)
	_, picture, _ := strings.Cut(out, "\n\n")
	want := `       AT SERVICE      STEP        STATE              TOOK
+0.000 s provisioner  new-user    done             1.00 s ..===
+2.000 s authorizer   authorize   turned           2.00 s     ..=====
redriven with another payload, by "ada\x1b[2J"
+5.000 s provisioner  new-user    undo done        1.00 s           <<x---<<<
+6.000 s attempt 1 failed: database is locked, and so on, and so on, and so on…
`
	normal := func(s string) string {
		lines := strings.Split(s, "\n")
		for i := range lines {
			lines[i] = strings.TrimLeft(lines[i], " ")
		}
		return strings.Join(lines, "\n")
	}
	if diff := cmp.Diff(normal(want), normal(picture)); diff != "" {
		t.Errorf("wanted (-), drawn (+):\n%s\n%s", diff, out)
	}
	if code, out, _ = f.skald("trace", sagaA, "--json"); code != exitOK || strings.Count(out, "\n") != 1 {
		t.Errorf("%d %s", code, out)
	}
}

func TestTraceFollowsUntilTheEnd(t *testing.T) {
	saga, events := undoneSaga()
	before := saga
	before.Outcome, before.Status, before.Seq, before.Ended = "", "running", 5, time.Time{}
	before.Steps = []api.Step{{Service: "provisioner", Topic: "new-user", State: "running", Queued: saga.Started, Started: saga.Started, EventID: "e0"}}
	answers := func() map[string][]reply {
		return map[string][]reply{
			"GET /api/v1/sagas/" + sagaA:             {encodedReply(before), encodedReply(before), problemWith(http.StatusServiceUnavailable, "starting"), encodedReply(saga)},
			"GET /api/v1/sagas/" + sagaA + "/events": {encodedReply(map[string]any{"events": events})},
		}
	}
	code, out, errOut := newFakeAPI(t, answers()).skald("trace", sagaA, "--follow")
	if code != exitOK {
		t.Fatal(code, errOut)
	}
	wantNarrow(t, out)
	for _, line := range []string{"provisioner new-user: running", "+2.000 s provisioner new-user: done in 1.00 s", "attempt 1 failed: database is locked", "+9.000 s provisioner new-user: undo done in 1.00 s", "Rejected after 10.0 s"} {
		if strings.Count(out, line) != 1 {
			t.Errorf("%q is told %d times:\n%s", line, strings.Count(out, line), out)
		}
	}
	code, out, _ = newFakeAPI(t, answers()).skald("trace", sagaA, "--follow", "--json")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != exitOK || len(lines) != 2 || !strings.Contains(lines[1], `"outcome":"rejected"`) {
		t.Errorf("%d, %d lines: %s", code, len(lines), out)
	}
}

func TestTraceOfNothing(t *testing.T) {
	f := newFakeAPI(t, nil)
	for _, args := range [][]string{{"trace", sagaA}, {"trace", sagaA, "--follow"}, {"trace"}, {"trace", "a", "b"}} {
		if code, _, errOut := f.skald(args...); code != exitUsage || errOut == "" {
			t.Errorf("%v: exit %d, %q", args, code, errOut)
		}
	}
}

// The latest start that is known may be that of an attempt that has failed: what comes after is a wait.
func TestTraceDrawsWaits(t *testing.T) {
	at := func(s int) time.Time { return traceEpoch.Add(time.Duration(s) * time.Second) }
	step := api.Step{EventID: "e", State: tracker.StepRetrying, Queued: at(0), Accepted: at(3), Started: at(3)}
	seen := traced{saga: api.Saga{Started: at(0), Steps: []api.Step{step}}, failed: []failedAttempt{{Event: "e", Number: 1, at: at(6), Due: at(30)}}}
	if got := seen.bar(&step, seen.failsOf(&step), at(21)); got != "...===x--------------" {
		t.Error(got)
	}
}

// Ctrl-C ends it at once, without a word.
func TestTraceEndsByCtrlC(t *testing.T) {
	saga, events := undoneSaga()
	saga.Outcome, saga.Status = "", "running"
	f := newFakeAPI(t, map[string][]reply{
		"GET /api/v1/sagas/" + sagaA:             {encodedReply(saga)},
		"GET /api/v1/sagas/" + sagaA + "/events": {encodedReply(map[string]any{"events": events})},
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stdout, stderr lockedBuffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"trace", sagaA, "--follow", "--server", f.server.URL}, strings.NewReader(""), &stdout, &stderr)
	}()
	eventually(t, "something told", func() bool { return strings.Contains(stdout.String(), "authorizer authorize: turned") })
	cancel()
	if code := <-done; code != exitFailure || stderr.String() != "" {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
}

// On a terminal the picture is drawn over the last one.
func TestTraceIsDrawnAnew(t *testing.T) {
	saga, _ := undoneSaga()
	var out lockedBuffer
	s := shower{tracing: &tracing{terminal: &terminal{out: &out}}, redraw: true, said: map[string]bool{}}
	seen := &traced{saga: saga}
	for range 2 {
		if err := s.draw(seen); err != nil {
			t.Fatal(err)
		}
	}
	lines := len(seen.lines(traceEpoch))
	first, second, found := strings.Cut(out.String(), fmt.Sprintf("\x1b[%dA\x1b[J", lines))
	if !found || first != second || strings.Count(first, "\n") != lines {
		t.Errorf("%q", out.String())
	}
}
