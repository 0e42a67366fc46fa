package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/problem"
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
}

func (a *API) redriveLetter(ctx context.Context, in *struct {
	LetterPlace
	Body Why
}) (*asked, error) {
	l, err := a.letter(ctx, in.LetterPlace)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Redrive(l, in.Body.Reason).By(by(ctx, in.Body.By)))
}

func (a *API) discardLetter(ctx context.Context, in *struct {
	LetterPlace
	Body Reason
}) (*asked, error) {
	l, err := a.letter(ctx, in.LetterPlace)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, skald.Discard(l, in.Body.Reason).By(by(ctx, in.Body.By)))
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
