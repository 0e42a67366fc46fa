package shell_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestThread(t *testing.T) {
	step := func(hop int, topic, service, state string, undo bool) tracker.Step {
		return tracker.Step{Hop: hop, Topic: topic, Service: service, State: state, Undo: undo}
	}
	out := []tracker.Step{step(0, "a", "one", tracker.StepDone, false), step(1, "b", "two", tracker.StepDone, false), step(2, "c", "three", tracker.StepRunning, false)}
	turned := []tracker.Step{out[0], out[1], step(2, "c", "three", tracker.StepTurned, false), step(3, "b", "two", tracker.StepRunning, true)}
	undone := append(append([]tracker.Step{}, turned[:3]...), step(3, "b", "two", tracker.StepDone, true), step(4, "a", "one", tracker.StepDone, true))
	for name, test := range map[string]struct {
		saga tracker.Saga
		hops int
		want shell.Thread
	}{
		"on its way": {tracker.Saga{Status: "running", Steps: out}, 5, shell.Thread{
			Class: "running", Label: "at three, 2 of 5 hops done", Past: "M5 8H37", Ahead: "M37 8H69", At: "37",
			Knots: []shell.Knot{{X: "5"}, {X: "21"}, {X: "53", Class: "ahead"}, {X: "69", Class: "ahead"}},
		}},
		"who knows how far": {tracker.Saga{Status: "running", Steps: out}, 0, shell.Thread{
			Class: "running", Label: "at three, 2 hops done", Past: "M5 8H47.67", Ahead: "M47.67 8H69", At: "47.67",
			Knots: []shell.Knot{{X: "5"}, {X: "26.33"}, {X: "69", Class: "ahead"}},
		}},
		"nothing known": {tracker.Saga{Status: "running"}, 0, shell.Thread{
			Class: "running", Label: "between two services, 1 hop done", Ahead: "M5 8H69", Knots: []shell.Knot{{X: "5"}, {X: "69", Class: "ahead"}},
		}},
		"completed": {tracker.Saga{Status: "completed", Outcome: "completed", Steps: out[:2]}, 2, shell.Thread{
			Class: "completed", Label: "came home after 2 hops", Past: "M5 8H69", Knots: []shell.Knot{{X: "5"}, {X: "69"}},
		}},
		"on its way back": {tracker.Saga{Status: "compensating", Steps: turned}, 3, shell.Thread{
			Class: "compensating", Label: "on the way back, at two", Past: "M5 8H37", Back: "M69 8H37", At: "37",
			Knots: []shell.Knot{{X: "5"}, {X: "69", Class: "back"}},
		}},
		"undone": {tracker.Saga{Status: "rejected", Outcome: "rejected", Steps: undone}, 4, shell.Thread{
			Class: "rejected", Label: "ended after 2 of 4 hops", Back: "M47.67 8H5", Ahead: "M47.67 8H69",
			Knots: []shell.Knot{{X: "5", Class: "back"}, {X: "26.33", Class: "back"}, {X: "47.67", Class: "back"}, {X: "69", Class: "ahead"}},
		}},
		"a thousand hops": {tracker.Saga{Status: "running", Steps: []tracker.Step{step(999, "z", "one", tracker.StepRunning, false)}}, 0, shell.Thread{
			Class: "running", Label: "at one, 999 hops done", Past: "M5 8H68.94", Ahead: "M68.94 8H69", At: "68.94",
		}},
	} {
		if diff := cmp.Diff(test.want, shell.ThreadOf(&test.saga, test.hops)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
