package tracker

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skald-saga/skald/internal/wire"
)

// Sentence says in plain words where the saga is and why, as of now.
func (s *Saga) Sentence(now time.Time) string {
	said := s.whereabouts(now)
	if s.Outcome == "" && s.Ending != "" && s.Status != Compensating && s.Status != Blocked {
		said += " It is to be " + s.Ending + because(s.EndingReason) + ", as soon as its token is found."
	}
	if s.Outcome == "" && s.Overdue && !s.Deadline.IsZero() {
		said += " It is " + Lasted(now.Sub(s.Deadline)) + " past its deadline."
	}
	if s.Partial {
		said += " Its beginning is no longer in the log."
	}
	return said
}

func (s *Saga) whereabouts(now time.Time) string {
	if s.Outcome != "" {
		return s.end()
	}
	step, ok := s.Current()
	if !ok {
		return "On its way between two services."
	}
	who := step.Service
	if who == "" {
		who = "a service that takes " + step.Topic
	}
	switch {
	case s.Status == Blocked && step.Undo:
		return fmt.Sprintf("Undo is blocked at %s%s: %s. A person must help.", who, after(step), clipped(step.Error))
	case s.Status == Blocked:
		return fmt.Sprintf("Blocked at %s: %s.", who, clipped(step.Error))
	case s.Status == Compensating:
		return s.undoing(step, who, now)
	}
	if s.Stuck {
		return fmt.Sprintf("%s has had it for %s; usually %s.", who, briefly(step.held(now)), Lasted(s.Usual))
	}
	switch step.State {
	case StepHalted:
		return fmt.Sprintf("Halted at %s: dead letter%s, %s. It goes on when it is redriven.", who, after(step), clipped(step.Error))
	case StepRetrying:
		return "Waiting for " + who + ": " + nextTry(step, now) + "."
	case StepWaiting:
		return fmt.Sprintf("Waiting for %s, which pauses: %s. No attempt is burnt.", who, clipped(step.Error))
	case StepRunning:
		return "With " + who + ": " + soFar(step, now) + "."
	}
	return "Waiting for " + who + " to take it: " + soFar(step, now) + "."
}

// Current is the step that has the token of a saga that isn't over; ok is false if every known one is done.
func (s *Saga) Current() (current Step, ok bool) {
	if s.Outcome != "" {
		return Step{}, false
	}
	rank := map[string]int{StepHalted: 1, StepBlocked: 2} // who asks for a person comes first: see state.status
	for _, step := range s.Steps {
		if step.State == StepDone || step.State == StepTurned {
			continue
		}
		if !ok || rank[step.State] > rank[current.State] || rank[step.State] == rank[current.State] && step.Hop >= current.Hop {
			current, ok = step, true
		}
	}
	return current, ok
}

func (s *Saga) undoing(step Step, who string, now time.Time) string {
	said := "Being undone" + because(s.EndingReason) + ": "
	if len(s.Undone) > 0 {
		said += listed(s.Undone) + " " + hasOrHave(len(s.Undone)) + " undone, "
	}
	said += who + " is next"
	switch step.State {
	case StepRetrying:
		said += ", " + nextTry(step, now)
	case StepWaiting:
		said += ", but pauses: " + clipped(step.Error)
	}
	return said + "."
}

func (s *Saga) end() string {
	said := strings.ToUpper(s.Outcome[:1]) + s.Outcome[1:]
	if !s.Started.IsZero() && !s.Ended.IsZero() {
		preposition := " after "
		if s.Outcome == wire.Completed {
			preposition = " in "
		}
		said += preposition + Lasted(s.Ended.Sub(s.Started))
	}
	if s.Reason != "" {
		said += ": " + clipped(s.Reason)
	}
	switch {
	case s.Outcome == wire.Completed:
		return said + "."
	case len(s.Undone) == 0:
		return said + "; nothing was undone."
	}
	return said + "; " + listed(s.Undone) + " " + hasOrHave(len(s.Undone)) + " undone what they did."
}

// nextTry is "attempt 3 of 5 in 4.2 s, after SMTP 451".
func nextTry(step Step, now time.Time) string {
	said := fmt.Sprintf("attempt %d", step.Attempt+1)
	if step.Attempts > 0 {
		said += fmt.Sprintf(" of %d", step.Attempts)
	}
	if in := step.Due.Sub(now); in > 0 {
		said += " in " + tenths(in)
	} else {
		said += " is due"
	}
	if step.Error != "" {
		said += ", after " + clipped(step.Error)
	}
	return said
}

func after(step Step) string {
	switch step.Attempt {
	case 0:
		return ""
	case 1:
		return " after one attempt"
	}
	return fmt.Sprintf(" after %d attempts", step.Attempt)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + clipped(reason) + ")"
}

func soFar(step Step, now time.Time) string {
	since := step.Queued
	if since.IsZero() {
		since = step.Accepted
	}
	if since.IsZero() {
		return "since a time that the log doesn't tell"
	}
	return tenths(now.Sub(since)) + " so far"
}

// clipped shortens an error to what a sentence can hold; it is whole beside it.
func clipped(text string) string {
	const most = 160
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > most {
		cut := most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strings.TrimRight(text, ". ")
}

func hasOrHave(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// listed joins "a", "b" and "c" as "a, b and c".
func listed(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// briefly says how long something takes, as people say it: 0.9 s, 38 s.
func briefly(d time.Duration) string {
	if d = max(d, 0); d >= 10*time.Second && d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return tenths(d)
}

// tenths says a time that is still going on: tenths of a second while they matter.
func tenths(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return Lasted(d)
}

// Lasted says how long something took: hundredths of a second while they matter, then tenths, then minutes.
func Lasted(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
