//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	redrivesAtOnce = 1000 // letters of one cause, for one request
	redriveChunk   = 100  // letters held in memory
	redriveTimeout = 30 * time.Second
	mostRefusals   = 10 // that are told
)

var typeOfAsked = reflect.TypeFor[Asked]()

func (a *API) registerRedrives(api huma.API) {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/api/v1" + path, Tags: []string{"Dead letters"}, Summary: summary, Description: actionDoc,
			Errors:    []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
			Responses: alsoAccepted(api),
		}
	}
	handle(a, api, op("redrive-letter", "/letters/{partition}/{offset}/redrive", "Give a dead letter's event back to its service, once"), a.redriveLetter)
	handle(a, api, op("discard-letter", "/letters/{partition}/{offset}/discard", "Give a dead letter up: what its saga has done is undone, and it ends as abandoned"), a.discardLetter)
	all := op("redrive-cause", "/causes/{cause}/redrive", "Give the events of all dead letters of a cause back that halt a saga, the oldest first")
	all.Description = "What becomes of each is seen among the letters of the cause: redriven, then completed, or halted-again."
	all.DefaultStatus, all.Responses = http.StatusAccepted, nil
	handle(a, api, all, a.redriveCause)
}

func (a *API) redriveLetter(ctx context.Context, in *struct {
	LetterPlace
	Body Why
}) (*asked, error) {
	l, err := a.letter(ctx, in.LetterPlace)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Redrive(l, in.Body.Reason).By(in.Body.By))
}

func (a *API) discardLetter(ctx context.Context, in *struct {
	LetterPlace
	Body Reason
}) (*asked, error) {
	l, err := a.letter(ctx, in.LetterPlace)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Discard(l, in.Body.Reason).By(in.Body.By))
}

// letter reads a dead letter from the log.
func (a *API) letter(ctx context.Context, at LetterPlace) (skald.DeadLetter, error) {
	if _, err := a.b.Tracker.Letter(ctx, at.Partition, at.Offset); err != nil {
		return skald.DeadLetter{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	l, err := a.b.Client.DeadLetter(ctx, at.Partition, at.Offset)
	if err != nil {
		return l, &problem.Unasked{Err: err}
	}
	return l, nil
}

// Redriven says what came of redriving many dead letters.
type Redriven struct {
	Requested  int      `json:"requested" doc:"The sum of the three below"`
	Accepted   int      `json:"accepted"`
	Refused    int      `json:"refused"`
	Unanswered int      `json:"unanswered" doc:"Their service hasn't answered yet, and takes them as soon as it runs"`
	Left       int      `json:"left" doc:"Halted letters of the cause that were not asked for: repeat the request for them"`
	Refusals   []string `json:"refusals" nullable:"false" doc:"Why, at most ten"`
}

type redrivenOutput struct{ Body Redriven }

func (a *API) redriveCause(ctx context.Context, in *struct {
	Cause string `path:"cause" pattern:"^[0-9a-f]{12}$" doc:"Key of the cause"`
	Body  struct {
		Why
		Limit int `json:"limit,omitempty" minimum:"0" maximum:"1000" doc:"Only so many, the oldest: 1 is a canary. 0 is 1000"`
	}
}) (*redrivenOutput, error) {
	limit := in.Body.Limit
	if limit == 0 {
		limit = redrivesAtOnce
	}
	wanted, left, err := a.haltedBy(ctx, in.Cause, limit)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, redriveTimeout)
	defer cancel()
	out := &redrivenOutput{Redriven{Refusals: []string{}}}
	err = a.redriveAll(ctx, wanted, in.Body.Why, &out.Body)
	if err != nil && out.Body.Requested == 0 {
		return nil, &problem.Unasked{Err: err}
	}
	out.Body.Left = left + len(wanted) - out.Body.Requested
	a.b.Logger.Info("dead letters were redriven", "cause", in.Cause, "requested", out.Body.Requested, "accepted", out.Body.Accepted, "error", err)
	return out, nil
}

// haltedBy gives the letters of a cause that halt sagas, the oldest first, and how many more there are.
func (a *API) haltedBy(ctx context.Context, cause string, limit int) (wanted map[LetterPlace]bool, left int, err error) {
	page, err := a.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: cause, Status: tracker.LetterHalted, Limit: limit, Oldest: true})
	if err != nil {
		return nil, 0, err
	}
	causes, _, err := a.b.Tracker.Causes(ctx)
	if err != nil {
		return nil, 0, err
	}
	if len(page.Letters) == 0 {
		some, err := a.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: cause, Limit: 1})
		if err == nil && len(some.Letters) == 0 {
			return nil, 0, &problem.Missing{Message: "no dead letter has the cause " + cause + ": GET /api/v1/causes lists what there is"}
		}
		if err == nil {
			err = &problem.Refused{Message: "no saga is halted by a dead letter of this cause any more"}
		}
		return nil, 0, err
	}
	wanted = make(map[LetterPlace]bool, len(page.Letters))
	for _, l := range page.Letters {
		wanted[LetterPlace{l.Partition, l.Offset}] = true
	}
	for _, c := range causes {
		if c.Key == cause {
			left = max(0, int(c.Halted)-len(wanted))
		}
	}
	return wanted, left, nil
}

// redriveAll asks for letters in chunks. It stops at the first chunk whose answers don't all come: the service may be away.
func (a *API) redriveAll(ctx context.Context, wanted map[LetterPlace]bool, why Why, out *Redriven) error {
	var chunk []skald.Request
	var failed error
	send := func() bool {
		if len(chunk) == 0 {
			return true
		}
		answers, err := a.b.Client.Ask(ctx, chunk...)
		failed = err
		out.take(answers)
		chunk = chunk[:0]
		return err == nil
	}
	left := len(wanted)
	err := a.b.Client.DeadLetters(ctx, func(l skald.DeadLetter) bool {
		if !wanted[LetterPlace{l.Partition, l.Offset}] {
			return true
		}
		left--
		if chunk = append(chunk, skald.Redrive(l, why.Reason).By(why.By)); len(chunk) < redriveChunk && left > 0 {
			return true
		}
		return send() && left > 0
	})
	if err == nil && failed == nil {
		send()
	}
	if failed != nil {
		return failed
	}
	return err
}

func (r *Redriven) take(answers []skald.Answer) {
	for _, a := range answers {
		r.Requested++
		switch {
		case a.Accepted:
			r.Accepted++
		case a.Text == "":
			r.Unanswered++
		default:
			r.Refused++
			if len(r.Refusals) < mostRefusals {
				r.Refusals = append(r.Refusals, a.Text)
			}
		}
	}
}
