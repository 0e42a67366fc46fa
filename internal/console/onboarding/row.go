package onboarding

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/skald-saga/skald/internal/console/words"
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
	Class   string // a status, or completed, or over
	Open    bool   // something can be done about it
	Cells   [len(columns)]cell
	Reached int    // how many stations the token has reached, 5 when the saga is over
	Told    string // said once when the saga ends or halts

	html [4]atomic.Pointer[string] // rendered, with Trace Mode on and off, for operators and for viewers, once nothing in it moves
}

// rowKey is what a row is made of: when it is the same, so is the row.
type rowKey struct {
	seq      int64
	heldBy   string // the service that is down where the saga waits
	overtook int
}

// Home is the last cell.
func (r *row) Home() cell { return r.Cells[len(r.Cells)-1] }

// moves says whether a time in the row goes on.
func (r *row) moves() bool {
	return slices.ContainsFunc(r.Cells[:], func(c cell) bool { return !c.Since.IsZero() || !c.Due.IsZero() })
}

func newRow(saga tracker.Saga, key rowKey, version uint64) *row {
	r := &row{rowKey: key, Version: version, ID: saga.ID, Class: rowClass(saga), Open: saga.Outcome == ""}
	steps, undos := stepsByTopic(saga, false), stepsByTopic(saga, true)
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
			r.Cells[i] = cellOf(saga, i, step, undos, key.heldBy)
			r.Cells[i].Note = noteOf(r.Cells[i], i, steps)
		case i < latest:
			r.Cells[i] = cell{State: "unknown", Word: "–", Title: "the log doesn't say"}
		case i == len(columns)-1:
			r.Cells[i] = homeCell(saga)
		case saga.Outcome == "" && len(undos) == 0:
			r.Cells[i] = cell{State: "to-come", Before: "not yet"}
		default:
			r.Cells[i] = cell{State: "unreached", Before: "not reached"}
		}
		if a := r.Cells[i].Act; a != nil {
			a.ID, a.Name = r.ID, r.Name
		}
	}
	for i := range len(columns) - 1 {
		r.Cells[i].Thread = threadOf(i, latest, r.Cells[i+1], saga)
	}
	r.Told = told(r.Name, saga)
	return r
}

// cellOf is the cell of a step that the saga has reached.
func cellOf(saga tracker.Saga, i int, step tracker.Step, undos map[string]tracker.Step, heldBy string) cell {
	own := stepCell(step, columns[i], heldBy)
	if step.State == tracker.StepTurned {
		own = turnedCell(saga)
	}
	if undo, ok := undos[columns[i].Topic]; ok {
		if undoing, more := undoCell(own, undo, columns[i]); more {
			return undoing
		}
	}
	return own
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

// stepsByTopic keeps the last hop on each topic, on the way out or on the way back.
func stepsByTopic(saga tracker.Saga, undo bool) map[string]tracker.Step {
	steps := make(map[string]tracker.Step, len(saga.Steps))
	for _, s := range saga.Steps {
		if s.Undo != undo {
			continue
		}
		if before, ok := steps[s.Topic]; !ok || before.Hop <= s.Hop {
			steps[s.Topic] = s
		}
	}
	return steps
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
	for _, part := range []string{words.Capital(user.Department), user.Email} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return name, strings.Join(parts, " · ")
}

// told is the sentence for whoever can't see the row change.
func told(name string, saga tracker.Saga) string {
	switch {
	case saga.Outcome == wire.Completed && !saga.Started.IsZero():
		return name + " completed in " + strings.Replace(words.Lasted(saga.Ended.Sub(saga.Started)), " s", " seconds", 1)
	case saga.Outcome != "":
		return name + ": " + saga.Outcome
	case saga.Status == tracker.Halted:
		return name + " halted: " + saga.Reason
	case saga.Status == tracker.Blocked:
		return name + " is blocked: " + saga.Reason
	case saga.Status == tracker.Compensating:
		return name + " is being undone: " + saga.EndingReason
	default:
		return ""
	}
}
