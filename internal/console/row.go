package console

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/events"
)

// row is one user of the table: a saga as cells. It is made once per change and never altered, so that all clients share
// it and a client's own copy is current as long as the pointer is the same.
type row struct {
	rowKey
	Version uint64 // grows with every row that is made; a live stream's position
	ID      string
	Name    string
	Detail  string
	Class   string // running, halted, completed, over
	Cells   [len(columns)]cell
	Reached int    // how many stations the token has reached, 5 when the saga is over
	Told    string // said once when the saga ends or halts

	html [2]atomic.Pointer[string] // rendered, with Trace Mode on and off, once nothing in it moves
}

// rowKey is what a row is made of: when it is the same, so is the row.
type rowKey struct {
	seq      int64
	heldBy   string // the service that is down where the saga waits
	overtook int
}

// cell is where a saga is with one step.
type cell struct {
	State    string // done, running, queued, halted, over, to-come, unknown
	Glyph    string // a symbol of templates/icons.html; empty for the knot of a thread
	Tone     string // class of glyph and word
	Spin     bool
	Before   string // for readers, before the word
	Word     string
	Since    time.Time // instead of a word: how long ago this was
	Note     string
	Title    string
	Overtook int
	Thread   string // how the thread goes on to the next cell: "", past, ahead
}

// Home is the last cell.
func (r *row) Home() cell { return r.Cells[len(r.Cells)-1] }

// moves says whether a time in the row goes on.
func (r *row) moves() bool {
	return slices.ContainsFunc(r.Cells[:], func(c cell) bool { return !c.Since.IsZero() })
}

func newRow(saga tracker.Saga, key rowKey, version uint64) *row {
	r := &row{rowKey: key, Version: version, ID: saga.ID, Class: rowClass(saga)}
	steps := stepsByTopic(saga)
	r.Name, r.Detail = person(saga, steps)
	latest := -1
	for i, c := range columns {
		if _, ok := steps[c.Topic]; ok {
			latest = i
		}
	}
	r.Reached = latest + 1
	for i, c := range columns {
		step, ok := steps[c.Topic]
		switch {
		case i == len(columns)-1 && saga.Outcome != "":
			r.Cells[i] = outcomeCell(saga, key.overtook)
			r.Reached = len(columns) + 1
		case ok:
			r.Cells[i] = stepCell(step, c, key.heldBy)
			r.Cells[i].Note = noteOf(r.Cells[i], i, steps)
		case i < latest:
			r.Cells[i] = cell{State: "unknown", Word: "–", Title: "the log doesn't say"}
		case saga.Outcome == "":
			r.Cells[i] = cell{State: "to-come", Before: "not yet"}
		default:
			r.Cells[i] = cell{State: "unreached", Before: "not reached"}
		}
		if i < len(columns)-1 {
			r.Cells[i].Thread = threadOf(i, latest, saga)
		}
	}
	r.Told = told(r.Name, saga)
	return r
}

func rowClass(saga tracker.Saga) string {
	switch {
	case saga.Outcome == wire.Completed:
		return "completed"
	case saga.Outcome != "":
		return "over"
	default:
		return saga.Status
	}
}

// stepsByTopic keeps the last hop on each topic.
func stepsByTopic(saga tracker.Saga) map[string]tracker.Step {
	steps := make(map[string]tracker.Step, len(saga.Steps))
	for _, s := range saga.Steps {
		if before, ok := steps[s.Topic]; !ok || before.Hop <= s.Hop {
			steps[s.Topic] = s
		}
	}
	return steps
}

// threadOf says how the thread leaves the i-th cell: it is drawn as far as the saga has come.
func threadOf(i, latest int, saga tracker.Saga) string {
	switch {
	case i < latest || saga.Outcome == wire.Completed:
		return "past"
	case saga.Outcome == "":
		return "ahead"
	default:
		return ""
	}
}

// person reads who is onboarded from the event that began the saga; a foreign one may be anything.
func person(saga tracker.Saga, steps map[string]tracker.Step) (name, detail string) {
	var user events.NewUser
	if step, ok := steps[columns[0].Topic]; ok {
		_ = json.Unmarshal(step.Payload, &user) // what can't be read stays empty
	}
	if user.Email == "" {
		user.Email = saga.Subject
	}
	name = user.Name
	if name == "" {
		name = saga.ID
	}
	var parts []string
	for _, part := range []string{capital(user.Department), user.Email} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return name, strings.Join(parts, " · ")
}

func stepCell(step tracker.Step, c column, heldBy string) cell {
	var live cell
	switch {
	case step.State == tracker.StepDone:
		return cell{State: "done", Before: "done in", Word: tookIn(step), Title: spentOn(step)}
	case step.State == tracker.StepHalted:
		return cell{State: "halted", Glyph: "halted", Tone: "halted", Word: "Halted", Title: step.Error}
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
	return lasted(step.Finished.Sub(step.Queued))
}

func spentOn(step tracker.Step) string {
	if step.Queued.IsZero() || step.Started.IsZero() || step.Finished.IsZero() {
		return ""
	}
	said := "queued " + lasted(step.Started.Sub(step.Queued)) + ", ran " + lasted(step.Finished.Sub(step.Started))
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
	c := cell{State: "over", Glyph: saga.Outcome, Tone: saga.Outcome, Note: timeOfDay(saga.Ended), Title: saga.Reason}
	if saga.Outcome != wire.Completed {
		c.Word = capital(saga.Outcome)
		if saga.Reason != "" {
			c.Note = saga.Reason
		}
		return c
	}
	c.Before, c.Word, c.Overtook = "completed in", "–", overtook
	if !saga.Started.IsZero() && !saga.Ended.IsZero() {
		c.Word = lasted(saga.Ended.Sub(saga.Started))
	}
	return c
}

// told is the sentence for whoever can't see the row change.
func told(name string, saga tracker.Saga) string {
	switch {
	case saga.Outcome == wire.Completed && !saga.Started.IsZero():
		return name + " completed in " + strings.Replace(lasted(saga.Ended.Sub(saga.Started)), " s", " seconds", 1)
	case saga.Outcome != "":
		return name + ": " + saga.Outcome
	case saga.Status == tracker.Halted:
		return name + " halted: " + saga.Reason
	default:
		return ""
	}
}
