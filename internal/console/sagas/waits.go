package sagas

import (
	"fmt"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// waits says what a saga waits for, shorter than tracker's sentence: how long is said in columns of its own.
type waits struct {
	Before string
	Due    time.Time // between the two; zero for nothing
	After  string
}

func waitsFor(s *tracker.Saga) waits {
	if s.Outcome != "" {
		return waits{Before: strings.TrimSuffix(s.Sentence(time.Time{}), ".")}
	}
	step, ok := s.Current()
	if !ok {
		return waits{Before: "between two services"}
	}
	who := step.Service
	if who == "" {
		who = "a service that takes " + clip(step.Topic, mostKey)
	}
	w := waits{Before: who + ": "}
	switch {
	case step.State == tracker.StepBlocked && step.Undo:
		w.Before = fmt.Sprintf("a person: undo at %s failed %s%s", who, times(step.Attempt), with(", ", step.Error))
	case step.State == tracker.StepBlocked:
		w.Before = "a person: a handler of " + who + " doesn’t return" + with(", ", step.Error)
	case step.State == tracker.StepHalted:
		w.Before = fmt.Sprintf("redrive: %s gave up after %s%s", who, words.Plural(max(step.Attempt, 1), "attempt"), with(", ", step.Error))
	case step.State == tracker.StepRetrying:
		w.Before += fmt.Sprintf("attempt %d", step.Attempt+1)
		if step.Attempts > 0 {
			w.Before += fmt.Sprintf(" of %d", step.Attempts)
		}
		w.Before += " "
		w.Due, w.After = step.Due, with(", after ", step.Error)
	case step.State == tracker.StepWaiting:
		w.Before = who + " pauses" + with(": ", step.Error)
	case step.Undo:
		w.Before += "undoing" + with(", after ", s.EndingReason)
	case step.State == tracker.StepQueued:
		w.Before += "queued"
	default:
		w.Before += "running"
	}
	if s.Stuck && s.Usual > 0 {
		w.After += ", usually " + words.Lasted(s.Usual)
	}
	if s.Ending != "" && !step.Undo {
		w.After += "; to be " + s.Ending
	}
	return w
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return words.Thousands(n) + " times"
}

// with puts what services say behind some words; nothing if they said nothing.
func with(before, said string) string {
	if said == "" {
		return ""
	}
	return before + clip(said, 160)
}

// clip takes the first line of a text, so many characters at most.
func clip(text string, most int) string {
	text, _, _ = strings.Cut(text, "\n")
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
