// Package decide is the dialog that says what can be done about a saga, and asks before it is done. Any page opens it by an
// element with data-act: the saga's ID.
package decide

import (
	"cmp"
	"embed"
	"fmt"
	"net/http"
	"time"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

// Files are the templates, styles and modules.
//
//go:embed *.html *.css *.js
var Files embed.FS

type handler struct {
	b     *backend.Backend
	shell *shell.Shell
}

// Register adds the dialog's route.
func Register(mux *http.ServeMux, b *backend.Backend, s *shell.Shell) {
	h := &handler{b, s}
	mux.HandleFunc("GET /sagas/{id}/actions", h.actions)
	mux.HandleFunc("GET /sagas/{id}/edit", h.edit)
}

// actionsPage is what can be done about a saga: the inside of a dialog.
type actionsPage struct {
	Name, Sentence string
	What           []string // what each action does
	Actions        []action
}

// action is one button. Path is an operation of the API.
type action struct {
	Label, Path, Decision string
	Edit                  string // instead of Path: ID of the saga whose event is to be edited
	Primary               bool
}

// actions answers GET /sagas/{id}/actions. What it offers may be out of date when it is pressed: then the service refuses.
func (h *handler) actions(w http.ResponseWriter, r *http.Request) {
	saga, err := h.b.Tracker.Saga(r.Context(), r.PathValue("id"))
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	h.shell.Respond(w, r, "actions", actionsOf(saga), nil)
}

func actionsOf(saga tracker.Saga) *actionsPage {
	p := &actionsPage{Name: cmp.Or(saga.Subject, saga.ID), Sentence: saga.Sentence(time.Now())}
	add := func(what string, a action) {
		p.What, p.Actions = append(p.What, what), append(p.Actions, a)
	}
	if saga.Outcome != "" {
		return p
	}
	step, _ := saga.Current()
	api := "/api/v1/sagas/" + saga.ID
	abandon := func() {
		add("Abandon: ends the saga where it stands, for a reason. Nothing is undone: what its services did stays done. For a saga whose token never returns.",
			action{Label: "Abandon", Path: api + "/abandon"})
	}
	if step.State == tracker.StepBlocked && step.Undo {
		add("Undone by hand: takes it as undone, because you say so, and goes on with the next.", action{Label: "Undone by hand", Path: api + "/unblock", Decision: "resolved"})
		abandon()
		add("Try again: runs the undo once more.", action{Label: "Try again", Path: api + "/unblock", Decision: "retry", Primary: true})
		return p
	}
	if saga.Status != tracker.Compensating && saga.Ending == "" {
		add("Cancel: what was done is undone, the latest first, and the saga ends as cancelled.", action{Label: "Cancel saga", Path: api + "/cancel"})
	}
	if l := step.Letter; step.State == tracker.StepHalted && l != nil {
		at := fmt.Sprintf("/api/v1/letters/%d/%d", l.Partition, l.Offset)
		add("Discard: gives the dead letter up, for a reason. What was done is undone, and the saga ends as abandoned.", action{Label: "Discard", Path: at + "/discard"})
		abandon()
		if !step.Undo {
			add("Edit and redrive: the same, with another payload.", action{Label: "Edit and redrive…", Edit: saga.ID})
		}
		add("Redrive: gives the event back to "+step.Service+", which tries it again, under the same idempotency key.", action{Label: "Redrive", Path: at + "/redrive", Primary: true})
		return p
	}
	abandon()
	return p
}
