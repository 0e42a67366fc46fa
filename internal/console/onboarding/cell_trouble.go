package onboarding

import (
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// heldUp is the cell of a step that waits for its next attempt, for what it needs, or for a person.
func heldUp(step tracker.Step) cell {
	switch step.State {
	case tracker.StepRetrying:
		return cell{State: "retrying", Glyph: "retrying", Tone: "retrying", Word: nextAttempt(step), Due: step.Due, Note: step.Error, Title: step.Error}
	case tracker.StepWaiting:
		return cell{State: "waiting", Glyph: "queued", Tone: "retrying", Word: "Waiting", Note: "no attempt is burnt · " + step.Error, Title: step.Error}
	}
	c := cell{State: "blocked", Glyph: "blocked", Tone: "blocked", Word: "Blocked", Note: step.Error, Title: step.Error}
	if step.Undo {
		c.Word, c.Act = "Undo blocked", &act{Label: "Decide…"}
	}
	return c
}

// nextAttempt is "Attempt 3 of 8".
func nextAttempt(step tracker.Step) string {
	word := "Attempt " + strconv.Itoa(step.Attempt+1)
	if step.Attempts > 0 {
		word += " of " + strconv.Itoa(step.Attempts)
	}
	return word
}

// turnedCell is the cell of a step at which the saga was turned round.
func turnedCell(saga tracker.Saga) cell {
	outcome, why := saga.Ending, saga.EndingReason
	if saga.Outcome != "" {
		outcome, why = saga.Outcome, saga.Reason
	}
	word := words.Capital(outcome)
	if outcome == wire.Abandoned {
		word = "Discarded"
	}
	return cell{State: "turned", Glyph: "turned", Tone: "compensating", Word: word, Note: why, Title: why}
}

// undoCell is the cell of a step whose work is being undone, or is undone. ok is false if its own cell says more.
func undoCell(own cell, undo tracker.Step, c column) (_ cell, ok bool) {
	switch undo.State {
	case tracker.StepDone, tracker.StepTurned:
		if own.State == "turned" {
			return own, false
		}
		done := cell{State: "undone", Glyph: "rejected", Tone: "compensating", Word: c.Undone}
		if !undo.Queued.IsZero() && !undo.Finished.IsZero() {
			done.Title = "undone in " + words.Lasted(undo.Finished.Sub(undo.Queued))
		}
		return done, true
	case tracker.StepRetrying, tracker.StepWaiting, tracker.StepBlocked:
		undoing := heldUp(undo)
		if undo.State == tracker.StepRetrying {
			undoing.Word = "Undo, " + strings.ToLower(nextAttempt(undo))
		}
		return undoing, true
	}
	return cell{State: "undoing", Glyph: "undoing", Tone: "compensating", Spin: true, Word: c.Undoing + " ", Since: undo.Queued}, true
}

// homeCell is the last cell of a saga that isn't over and hasn't come home by itself.
func homeCell(saga tracker.Saga) cell {
	switch {
	case saga.Status == tracker.Compensating || saga.Status == tracker.Blocked && len(saga.Undone)+saga.ToUndo > 0:
		c := cell{State: "compensating", Glyph: "compensating", Tone: "compensating", Word: "Compensating", Title: saga.EndingReason}
		if all := len(saga.Undone) + saga.ToUndo; all > 0 {
			c.Note = strconv.Itoa(len(saga.Undone)) + " of " + strconv.Itoa(all) + " undone"
		}
		return c
	case saga.Ending != "":
		word := map[string]string{wire.Cancelled: "Cancelling", wire.Expired: "Expiring"}[saga.Ending]
		if word == "" {
			word = "To be " + saga.Ending
		}
		return cell{State: "compensating", Glyph: "compensating", Tone: "compensating", Word: word, Note: "as soon as its token is found", Title: saga.EndingReason}
	case saga.Overdue:
		return cell{State: "to-come", Before: "not yet", Tone: "halted", Word: "Overdue", Note: "since " + words.TimeOfDay(saga.Deadline)}
	}
	return cell{State: "to-come", Before: "not yet"}
}

// threadOf says how the thread leaves a cell for the next: it is drawn as far as the saga has come, and back where it has come from.
func threadOf(i, latest int, next cell, saga tracker.Saga) string {
	back := saga.Status == tracker.Compensating || saga.ToUndo > 0 || len(saga.Undone) > 0
	switch {
	case i < latest && back && (next.State == "undone" || next.State == "turned"):
		return "turned"
	case i < latest || saga.Outcome == wire.Completed:
		return "past"
	case saga.Outcome == "" && !back:
		return "ahead"
	}
	return ""
}
