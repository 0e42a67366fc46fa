package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/tracker"
)

// failedAttempt is what a ledger tells of one.
type failedAttempt struct {
	Event  string    `json:"id"`
	Number int       `json:"attempt"`
	Error  string    `json:"error"`
	Due    time.Time `json:"due"`
	at     time.Time
}

func failedIn(e *api.Event) (a failedAttempt, ok bool) {
	if e.Type != tracker.AttemptType || json.Unmarshal(e.Payload, &a) != nil {
		return a, false
	}
	a.at = e.Time
	return a, true
}

// Widths of the columns; together with the bar they make 80.
const (
	atWidth      = 9
	serviceWidth = 12
	stepWidth    = 11
	stateWidth   = 14
	tookWidth    = 8
	barWidth     = width - atWidth - serviceWidth - stepWidth - stateWidth - tookWidth - 5
)

func (t *traced) print(out io.Writer) error {
	_, err := io.WriteString(out, strings.Join(t.lines(time.Now()), "\n")+"\n")
	return err
}

// lines are the whole picture; none is longer than a terminal of 80 columns.
func (t *traced) lines(now time.Time) []string {
	s := &t.saga
	lines := []string{
		fit(fmt.Sprintf("%s %s: %s", s.Workflow, s.Subject, s.Status), width),
		fmt.Sprintf("%s, started %s, %s", s.ID, clock(s.Started), took(s.Started, s.Ended)),
	}
	lines = append(lines, folded(s.Sentence)...)
	if s.Reason != "" && !strings.Contains(s.Sentence, s.Reason) {
		lines = append(lines, folded("because: "+s.Reason)...)
	}
	lines = append(lines, "", row("AT", "SERVICE", "STEP", "STATE", "TOOK", ""))
	for i := range s.Steps {
		step := &s.Steps[i]
		fails := t.failsOf(step)
		lines = append(lines, row(t.after(step.Queued), orDash(step.Service), step.Topic, stateOf(step), between(step.Started, step.Finished), t.bar(step, fails, now)))
		if step.EditedBy != "" {
			lines = append(lines, fit(fmt.Sprintf("%*s redriven with another payload, by %s", atWidth, "", printable(step.EditedBy)), width))
		}
		for _, f := range fails {
			lines = append(lines, fit(fmt.Sprintf("%*s attempt %d failed: %s", atWidth, t.after(f.at), f.Number, f.Error), width))
		}
	}
	return lines
}

func row(at, service, step, state, took, bar string) string {
	return strings.TrimRight(fmt.Sprintf("%*s %-*s %-*s %-*s %*s %s", atWidth, at, serviceWidth, fit(service, serviceWidth), stepWidth, fit(step, stepWidth),
		stateWidth, fit(state, stateWidth), tookWidth, took, bar), " ")
}

// folded breaks a sentence into lines.
func folded(text string) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(printable(text)) {
		switch {
		case line == "":
			line = fit(word, width)
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), fit(word, width)
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// after is how long after its beginning something was.
func (t *traced) after(at time.Time) string {
	if at.IsZero() || t.saga.Started.IsZero() {
		return "-"
	}
	switch d := at.Sub(t.saga.Started); {
	case d < 0:
		return "-" + tracker.Lasted(-d)
	case d < time.Minute:
		return fmt.Sprintf("+%.3f s", d.Seconds())
	case d < 24*time.Hour:
		return fmt.Sprintf("+%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	default:
		return fmt.Sprintf("+%d d", int(d.Hours())/24)
	}
}

// stateOf is a step's state, with what one needs to deal with it.
func stateOf(step *api.Step) string {
	state := step.State
	switch {
	case step.Letter != nil:
		state += fmt.Sprintf(" %d/%d", step.Letter.Partition, step.Letter.Offset)
	case step.State == tracker.StepRetrying && step.Attempts > 0:
		state += fmt.Sprintf(" %d/%d", step.Attempt, step.Attempts)
	}
	if step.Undo {
		state = "undo " + state
	}
	return state
}

func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	if d := max(0, to.Sub(from)); d < time.Hour {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return tracker.Lasted(to.Sub(from))
}

// failsOf finds a step's failed attempts, in the order of time.
func (t *traced) failsOf(step *api.Step) (found []failedAttempt) {
	for _, a := range t.failed {
		if a.Event == step.EventID && step.EventID != "" {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b failedAttempt) int { return a.at.Compare(b.at) })
	return found
}

// bar draws a step's place in the saga's time.
func (t *traced) bar(step *api.Step, fails []failedAttempt, now time.Time) string {
	s := &t.saga
	end := s.Ended
	if end.IsZero() {
		end = now
	}
	total := end.Sub(s.Started)
	if s.Started.IsZero() || total <= 0 || step.Queued.IsZero() {
		return ""
	}
	column := func(t time.Time) int {
		return min(barWidth-1, max(0, int(float64(barWidth)*float64(t.Sub(s.Started))/float64(total))))
	}
	cells := slices.Repeat([]byte{' '}, barWidth)
	fill := func(from, to time.Time, with byte) {
		for i := column(from); i <= column(to); i++ {
			cells[i] = with
		}
	}
	until := step.Finished
	if until.IsZero() {
		until = end
	}
	begun := step.Started
	if begun.IsZero() && step.State != tracker.StepQueued {
		begun = step.Accepted
	}
	if begun.IsZero() || begun.After(until) {
		begun = until
	}
	runs := !step.Started.IsZero()
	if n := len(fails); n > 0 && !step.Accepted.IsZero() {
		runs = runs && step.Started.After(fails[n-1].at) // else it's the start of one that has failed
		if !runs {
			begun = until
		}
		fill(step.Queued, step.Accepted, '.')
		fill(step.Accepted, begun, '-')
	} else {
		fill(step.Queued, begun, '.')
	}
	worked := byte('=')
	if step.Undo {
		worked = '<'
	}
	switch {
	case runs:
		fill(begun, until, worked)
	case step.State != tracker.StepQueued && step.State != tracker.StepDone:
		fill(begun, until, '-')
	}
	from := step.Accepted
	for _, f := range fails {
		if from.IsZero() || from.After(f.at) {
			from = f.at
		}
		fill(from, f.at, worked)
		cells[column(f.at)] = 'x'
		from = f.Due
	}
	return strings.TrimRight(string(cells), " ")
}
