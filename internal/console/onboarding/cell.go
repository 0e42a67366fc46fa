package onboarding

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/events"
)

// cell is where a saga is with one step.
type cell struct {
	State    string // done, running, queued, retrying, waiting, halted, blocked, turned, undoing, undone, over, to-come, unreached, unknown
	Glyph    string // a symbol of templates/icons.html; empty for the knot of a thread
	Tone     string // class of glyph and word
	Spin     bool
	Before   string // for readers, before the word
	Word     string
	Since    time.Time // instead of a word: how long ago this was
	Due      time.Time // of the next attempt, before the note
	Note     string
	Act      *act // what a person may do now, on a button
	Title    string
	Overtook int
	Thread   string // how the thread goes on to the next cell: "", past, ahead, turned
}

// act is a button that opens the dialog of a saga's actions.
type act struct{ Label, ID, Name string }

func stepCell(step tracker.Step, c column, heldBy string) cell {
	var live cell
	switch {
	case step.State == tracker.StepDone:
		return cell{State: "done", Before: "done in", Word: tookIn(step), Title: spentOn(step)}
	case step.State == tracker.StepHalted:
		return cell{State: "halted", Glyph: "halted", Tone: "halted", Word: "Halted", Title: step.Error, Act: &act{Label: "Redrive…"}}
	case step.State == tracker.StepRetrying, step.State == tracker.StepWaiting, step.State == tracker.StepBlocked:
		return heldUp(step)
	case step.State == tracker.StepQueued && heldBy != "":
		live = cell{State: "queued", Glyph: "queued", Tone: "soft", Word: "Queued ", Note: "waits for " + heldBy + " to start"}
	case step.State == tracker.StepQueued:
		live = cell{State: "running", Glyph: "running", Tone: "running", Spin: true, Before: "queued for", Note: "waits its turn"}
	default:
		live = cell{State: "running", Glyph: "running", Tone: "running", Spin: true, Before: "running for", Note: c.Doing}
	}
	if live.Since = step.Queued; live.Since.IsZero() {
		live.Since = step.Accepted
	}
	return live
}

// tookIn is the time from the event to its consequence: in the queue and in the handler.
func tookIn(step tracker.Step) string {
	if step.Queued.IsZero() || step.Finished.IsZero() {
		return "–"
	}
	return words.Lasted(step.Finished.Sub(step.Queued))
}

func spentOn(step tracker.Step) string {
	if step.Queued.IsZero() || step.Started.IsZero() || step.Finished.IsZero() {
		return ""
	}
	said := "queued " + words.Lasted(step.Started.Sub(step.Queued)) + ", ran " + words.Lasted(step.Finished.Sub(step.Started))
	if step.Attempt > 1 {
		said += ", attempt " + strconv.Itoa(step.Attempt)
	}
	return said
}

// noteOf is a cell's second line. What a step gave is in the event that it sent on.
func noteOf(c cell, column int, steps map[string]tracker.Step) string {
	if c.State == "halted" {
		return "dead letter · " + c.Title
	}
	if c.State == "undone" { // what was given before
		c.State = "done"
	}
	if c.State != "done" || column+1 >= len(columns) {
		return c.Note
	}
	payload := steps[columns[column+1].Topic].Payload
	switch column {
	case 0:
		var out events.Authorize
		if json.Unmarshal(payload, &out) == nil && out.Device.Serial != "" {
			return out.Device.Model + " · " + out.Device.Serial
		}
	case 1:
		var out events.Notify
		if json.Unmarshal(payload, &out) == nil {
			return strings.Join(out.Grants, ", ")
		}
	case 2:
		var out events.Notified
		if json.Unmarshal(payload, &out) == nil && out.MessageID != "" {
			return "mail accepted"
		}
	}
	return ""
}

func outcomeCell(saga tracker.Saga, overtook int) cell {
	c := cell{State: "over", Glyph: saga.Outcome, Tone: saga.Outcome, Note: words.TimeOfDay(saga.Ended), Title: saga.Sentence(saga.Ended)}
	if saga.Outcome != wire.Completed {
		c.Word = words.Capital(saga.Outcome)
		if n := len(saga.Undone); n > 0 {
			c.Note += ", " + words.Plural(n, "step") + " undone"
		}
		if saga.Reason != "" {
			c.Note += " · " + saga.Reason
		}
		return c
	}
	c.Before, c.Word, c.Overtook = "completed in", "–", overtook
	if !saga.Started.IsZero() && !saga.Ended.IsZero() {
		c.Word = words.Lasted(saga.Ended.Sub(saga.Started))
	}
	return c
}
