//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/wire"
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
	Body struct {
		Why
		Payload json.RawMessage `json:"payload,omitempty" doc:"Another payload for the event, whole: any JSON, of which numbers stay as they are written. The service refuses one that its step can't take. A masked field keeps its value where it is sent as it was shown, or is replaced by another one. Without payload, the event is redriven as it is"`
	}
}) (*asked, error) {
	l, err := a.letter(ctx, in.LetterPlace)
	if err != nil {
		return nil, err
	}
	request := skald.Redrive(l, in.Body.Reason)
	if in.Body.Payload != nil {
		payload, err := a.edited(l, in.Body.Payload)
		if err != nil {
			return nil, err
		}
		request = request.WithPayload(payload)
	}
	return a.ask(ctx, request.By(by(ctx, in.Body.By)))
}

// edited checks another payload for a letter's event, and puts back what was masked.
func (a *API) edited(l skald.DeadLetter, payload []byte) ([]byte, error) {
	if kind := contentType(&l); kind != "" && !isJSON(kind) {
		return nil, &problem.Refused{Message: "the event is " + words.Clip(kind) + " and no JSON: its payload can't be edited here"}
	}
	payload, err := a.b.Edit(l, payload)
	if wrong, ok := errors.AsType[*mask.RestoreError](err); ok {
		return nil, &problem.Field{Location: "body.payload" + wrong.Path, Message: wrong.Problem}
	}
	var was, is bytes.Buffer
	if json.Compact(&was, l.Payload) == nil && json.Compact(&is, payload) == nil && bytes.Equal(was.Bytes(), is.Bytes()) {
		return nil, &problem.Field{Location: "body.payload", Message: "this is the payload as it is: leave it out to redrive the event unedited"}
	}
	return payload, err
}

func contentType(l *skald.DeadLetter) string {
	for _, h := range l.Headers {
		if h.Key == wire.HeaderContentType {
			return string(h.Value)
		}
	}
	return ""
}

func isJSON(mediaType string) bool {
	kind, _, err := mime.ParseMediaType(mediaType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
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
