package tracker

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skald-saga/skald/internal/wire"
)

// tellOf writes one saga's records into a store and tells of it.
func tellOf(t *testing.T, s scenario) (Saga, []Event) {
	t.Helper()
	tr := New(Config{Store: openStore(t), Logger: quiet})
	for _, a := range announcements {
		tr.registry.add(a, a.Encode(), time.Now())
	}
	j := newJournal()
	id := j.write(s)
	putRecords(t, tr.cfg.Store, j.records)
	saga, err := tr.Saga(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	events, err := tr.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return saga, events
}

// brief says each step in one line.
func brief(s Saga) []string {
	lines := make([]string, 0, len(s.Steps))
	for _, p := range s.Steps {
		line := p.Topic + " "
		if p.Undo {
			line = "undo " + line
		}
		line += p.Service + " " + p.State
		if p.Error != "" {
			line += ": " + p.Error
		}
		lines = append(lines, line)
	}
	return lines
}

func TestTimelines(t *testing.T) {
	type want struct {
		status, reason string
		steps          []string
	}
	done := []string{"new-user provisioner done", "authorize authorizer done", "notify notifier done", "notified provisioner done"}
	tests := map[string]struct {
		scenario func(*scenario)
		want     want
	}{
		"completed":           {func(*scenario) {}, want{"completed", "", done}},
		"only begun":          {func(s *scenario) { s.Stops = 0 }, want{"running", "", []string{"new-user provisioner queued"}}},
		"on its way":          {func(s *scenario) { s.Stops = 1 }, want{"running", "", []string{"new-user provisioner done", "authorize authorizer queued"}}},
		"running for long":    {func(s *scenario) { s.Stops, s.Parked[1] = 1, true }, want{"running", "", []string{"new-user provisioner done", "authorize authorizer running"}}},
		"adopted":             {func(s *scenario) { s.Adopted = true }, want{"completed", "", done}},
		"misplaced":           {func(s *scenario) { s.Misplaced = [4]bool{true, true, true, true} }, want{"completed", "", done}},
		"with a watcher":      {func(s *scenario) { s.Watched = true }, want{"completed", "", done}},
		"with notes":          {func(s *scenario) { s.Notes = true }, want{"completed", "", done}},
		"with open-loop ones": {func(s *scenario) { s.OpenLoop = true }, want{"completed", "", done}},
		"with foreign IDs":    {func(s *scenario) { s.Foreign, s.Parked[2] = true, true }, want{"completed", "", done}},
		"decided twice":       {func(s *scenario) { s.Twice = true }, want{"completed", "", done}},
		"foreign and halted":  {func(s *scenario) { s.Foreign, s.HaltedAt = true, 2 }, want{"halted", "no device left", []string{done[0], done[1], "notify notifier halted: no device left"}}},
		"halted at the start": {func(s *scenario) { s.HaltedAt = 0 }, want{"halted", "no device left", []string{"new-user provisioner halted: no device left"}}},
		"halted and given back": {func(s *scenario) { s.HaltedAt, s.Redriven, s.Stops = 1, true, 2 },
			want{"running", "", []string{done[0], done[1], "notify notifier queued"}}},
		"given back, not done": {func(s *scenario) { s.HaltedAt, s.Redriven, s.Stops, s.Parked[2] = 1, true, 2, true },
			want{"running", "", []string{done[0], done[1], "notify notifier running"}}},
		"to be tried again": {func(s *scenario) { s.Stops, s.Parked[2], s.Retried[2] = 2, true, true },
			want{"retrying", "SMTP 451", []string{done[0], done[1], "notify notifier retrying: SMTP 451"}}},
		"tried again": {func(s *scenario) { s.Retried = [4]bool{true, false, true, false} },
			want{"completed", "", []string{"new-user provisioner done: SMTP 451", done[1], "notify notifier done: SMTP 451", done[3]}}},
		"waits for what isn't there": {func(s *scenario) { s.Stops, s.Parked[2], s.Unavailable[2] = 2, true, true },
			want{"waiting", "connection refused", []string{done[0], done[1], "notify notifier waiting: connection refused"}}},
		"rejected": {func(s *scenario) { s.TurnedAt = 1 },
			want{"rejected", "hired twice", []string{done[0], "authorize authorizer turned", "undo authorize authorizer done", "undo new-user provisioner done"}}},
		"halted and discarded": {func(s *scenario) { s.HaltedAt, s.TurnedAt, s.As = 2, 2, wire.Abandoned },
			want{"abandoned", "hired twice", []string{done[0], done[1], "notify notifier turned", "undo authorize authorizer done", "undo new-user provisioner done"}}},
		"being undone": {func(s *scenario) { s.TurnedAt, s.UndoStops = 2, 1 },
			want{"compensating", "hired twice", []string{done[0], done[1], "notify notifier turned", "undo authorize authorizer done", "undo new-user provisioner queued"}}},
		"undo is tried again": {func(s *scenario) { s.TurnedAt, s.UndoStops, s.UndoTries = 2, 0, true },
			want{"compensating", "hired twice", []string{done[0], done[1], "notify notifier turned", "undo authorize authorizer retrying: database is locked"}}},
		"undo is blocked": {func(s *scenario) { s.TurnedAt, s.BlockedAt = 2, 1 },
			want{"blocked", "no such device", []string{done[0], done[1], "notify notifier turned", "undo authorize authorizer done", "undo new-user provisioner blocked: no such device"}}},
		"undo was blocked": {func(s *scenario) { s.TurnedAt, s.BlockedAt, s.Unblocked = 2, 1, true },
			want{"rejected", "hired twice", []string{done[0], done[1], "notify notifier turned", "undo authorize authorizer done", "undo new-user provisioner done"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := plain(1)
			test.scenario(&s)
			saga, _ := tellOf(t, s)
			got := want{saga.Status, saga.Reason, brief(saga)}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("wanted (-), told (+):\n%s\n%s", diff, mustJSON(saga))
			}
		})
	}
}

func TestSagaWhole(t *testing.T) {
	saga, _ := tellOf(t, plain(1))
	ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
	steps := []Step{
		{Hop: 0, Service: "provisioner", Topic: "new-user", Queued: ms(7), Accepted: ms(14), Started: ms(21), Finished: ms(28), Payload: []byte(`{"email":"ada.1@example.com"}`)},
		{Hop: 1, Service: "authorizer", Topic: "authorize", Queued: ms(28), Accepted: ms(35), Started: ms(42), Finished: ms(49), Payload: []byte(`{"by":"provisioner"}`)},
		{Hop: 2, Service: "notifier", Topic: "notify", Queued: ms(49), Accepted: ms(56), Started: ms(63), Finished: ms(70), Payload: []byte(`{"by":"authorizer"}`)},
		{Hop: 3, Service: "provisioner", Topic: "notified", Queued: ms(70), Accepted: ms(77), Started: ms(84), Finished: ms(91), Payload: []byte(`{"by":"notifier"}`)},
	}
	for i := range steps {
		steps[i].State, steps[i].Attempt = StepDone, 1
	}
	steps[1].Attempts = 5 // as only the authorizer says
	want := Saga{
		ID: wire.SagaIDFor("onboarding", "1"), Workflow: "onboarding", Subject: "ada.1@example.com", Status: "completed",
		Outcome: "completed", Started: ms(7), Ended: ms(91), Since: ms(91), Deadline: epoch.Add(24 * time.Hour), Steps: steps,
	}
	if diff := cmp.Diff(want, saga, cmpopts.IgnoreFields(Saga{}, "Seq"), cmpopts.IgnoreFields(Step{}, "EventID")); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
}

func TestEventsInOrder(t *testing.T) {
	s := plain(1)
	s.Notes, s.OpenLoop, s.Watched, s.Misplaced[1] = true, true, true, true
	_, events := tellOf(t, s)
	var got []string
	for _, e := range events {
		if e.Topic == "audit" || e.Hop > 1 {
			continue
		}
		got = append(got, e.Topic+": "+e.Type)
	}
	want := []string{
		"new-user: new-user", "skald.provisioner.ledger: skald.note", "skald.dlq: new-user", "authorize: authorize",
		"skald.authorizer.inbox: authorize", "skald.authorizer.ledger: skald.note", "skald.dlq: authorize",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	last := events[len(events)-1]
	if last.Topic != "skald.outcomes" || !strings.Contains(string(last.Payload), "completed") || len(last.Headers) < 10 {
		t.Errorf("the last event isn't the outcome, whole: %+v", last)
	}
}
