package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// actionsPage is what can be done about a saga: the inside of a dialog.
type actionsPage struct {
	Name, Sentence string
	What           []string // what each action does
	Actions        []action
}

// action is one button. Path is an operation of the API.
type action struct {
	Label, Path, Decision string
	Primary               bool
}

// actions answers GET /sagas/{id}/actions. What it offers may be out of date when it is pressed: then the service refuses.
func (h *Handler) actions(w http.ResponseWriter, r *http.Request) {
	saga, err := h.cfg.Tracker.Saga(r.Context(), r.PathValue("id"))
	if err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	h.respond(w, "actions", actionsOf(saga), nil)
}

func actionsOf(saga tracker.Saga) *actionsPage {
	name, _ := person(saga, stepsByTopic(saga, false))
	p := &actionsPage{Name: name, Sentence: saga.Sentence(time.Now())}
	add := func(what string, a action) {
		p.What, p.Actions = append(p.What, what), append(p.Actions, a)
	}
	if saga.Outcome != "" {
		return p
	}
	step, _ := saga.Current()
	api := "/api/v1/sagas/" + saga.ID
	if step.State == tracker.StepBlocked && step.Undo {
		add("Undone by hand: takes it as undone, because you say so, and goes on with the next.", action{Label: "Undone by hand", Path: api + "/unblock", Decision: "resolved"})
		add("Try again: runs the undo once more.", action{Label: "Try again", Path: api + "/unblock", Decision: "retry", Primary: true})
		return p
	}
	if saga.Status != tracker.Compensating && saga.Ending == "" {
		add("Cancel: what was done is undone, the latest first, and the saga ends as cancelled.", action{Label: "Cancel saga", Path: api + "/cancel"})
	}
	if l := step.Letter; step.State == tracker.StepHalted && l != nil {
		at := fmt.Sprintf("/api/v1/letters/%d/%d", l.Partition, l.Offset)
		add("Discard: gives the dead letter up, for a reason. What was done is undone, and the saga ends as abandoned.", action{Label: "Discard", Path: at + "/discard"})
		add("Redrive: gives the event back to "+step.Service+", which tries it again, under the same idempotency key.", action{Label: "Redrive", Path: at + "/redrive", Primary: true})
	}
	return p
}
