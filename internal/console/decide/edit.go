package decide

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	readTimeout = 2 * time.Second // that the broker has to give a letter
	mostEdited  = 48 << 10        // bytes of a payload: the API takes 64 KiB with all else, and indenting adds some
)

// editPage is the payload of the event that halts a saga, to be edited: the inside of a dialog.
type editPage struct {
	Name, Service, Step, Error string
	Path                       string // operation of the API
	Silent                     string // why it can't be edited
	Text                       string
	Masked                     bool
	Hidden                     string
}

// edit answers GET /sagas/{id}/edit.
func (h *handler) edit(w http.ResponseWriter, r *http.Request) {
	saga, err := h.b.Tracker.Saga(r.Context(), r.PathValue("id"))
	step, _ := saga.Current()
	if err == nil && (step.State != tracker.StepHalted || step.Letter == nil || step.Undo) {
		err = &problem.Refused{Message: "no event of this saga can be edited. " + saga.Sentence(time.Now())}
	}
	if err != nil {
		h.shell.Refuse(w, r, err)
		return
	}
	p := &editPage{
		Name: cmp.Or(saga.Subject, saga.ID), Service: step.Service, Step: step.Topic, Error: step.Error, Hidden: mask.Hidden,
		Path: fmt.Sprintf("/api/v1/letters/%d/%d/redrive", step.Letter.Partition, step.Letter.Offset),
	}
	h.fill(r.Context(), p, step.Letter)
	h.shell.Respond(w, r, "edit", p, nil)
}

// fill reads the letter and shows its payload, masked.
func (h *handler) fill(ctx context.Context, p *editPage, at *tracker.LetterPlace) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	l, err := h.b.Client.DeadLetter(ctx, at.Partition, at.Offset)
	if err != nil {
		p.Silent = "The letter itself can’t be read from the broker: " + words.Clip(err.Error())
		return
	}
	shown := h.b.Letter(l).Payload
	p.Masked = !bytes.Equal(shown, l.Payload)
	switch {
	case len(shown) > mostEdited || l.Cut > 0:
		p.Silent = fmt.Sprintf("Its payload has %s bytes: %s can be edited here.", words.Thousands(max(len(l.Payload), l.Cut)), words.Thousands(mostEdited))
	case !utf8.Valid(shown):
		p.Silent = "Its payload is no text: it can’t be edited here."
	default:
		p.Text = indented(shown)
	}
}

// indented leaves numbers as they were sent, and what is no JSON, or would get too large, as it is.
func indented(payload []byte) string {
	var pretty bytes.Buffer
	if json.Indent(&pretty, payload, "", "  ") != nil || pretty.Len() > mostEdited {
		return string(payload)
	}
	return pretty.String()
}
