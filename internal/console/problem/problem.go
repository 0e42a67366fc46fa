// Package problem is how the console refuses: errors that say what is wrong in words for people, and the one place where an error becomes
// a response, application/problem+json (RFC 9457).
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// MaxBody is the size of the largest request body, in bytes.
const MaxBody = 64 << 10

// Problems of the console itself; Of gives them their status.
var (
	ErrUsedUp         = errors.New("no more new users to onboard")
	ErrTooManyStreams = errors.New("too many clients follow live already: close a page, or try again later")
	ErrClosing        = errors.New("the console is shutting down")
)

// Field says what is wrong with one part of a request.
type Field struct{ Location, Message string }

func (f *Field) Error() string { return f.Location + ": " + f.Message }

// Missing says that the address names something that isn't there.
type Missing struct{ Message string }

func (m *Missing) Error() string { return m.Message }

// Refused says that what is asked for can't be done as things are: in the words of the service, if it was asked.
type Refused struct{ Message string }

func (r *Refused) Error() string { return r.Message }

// Unasked says that a service was not asked.
type Unasked struct{ Err error }

func (u *Unasked) Error() string { return "nothing was asked for: " + u.Err.Error() }
func (u *Unasked) Unwrap() error { return u.Err }

// Unconfirmed says that the broker didn't confirm a start. Whether it was published all the same is not known, hence
// the advice on how to repeat it.
type Unconfirmed struct {
	Err    error
	Advice string
}

func (u *Unconfirmed) Error() string {
	return "the broker did not confirm the start: " + u.Err.Error() + ". " + u.Advice
}
func (u *Unconfirmed) Unwrap() error { return u.Err }

// NotReady says why no saga could run yet.
type NotReady struct{ Err error }

func (n *NotReady) Error() string { return "not ready: " + n.Err.Error() }
func (n *NotReady) Unwrap() error { return n.Err }

// Of is the one place where an error becomes a response.
func Of(err error) huma.StatusError {
	switch fields := Fields(err); {
	case len(fields) > 0:
		return huma.NewError(http.StatusBadRequest, "the request is not valid", fields...)
	case Is[*Missing](err), errors.Is(err, tracker.ErrNotFound), errors.Is(err, tracker.ErrNoLetter), errors.Is(err, tracker.ErrNoEvent):
		return huma.NewError(http.StatusNotFound, err.Error())
	case errors.Is(err, ErrUsedUp), Is[*Refused](err):
		return huma.NewError(http.StatusConflict, err.Error())
	case Is[*Unconfirmed](err), Is[*Unasked](err), Is[*NotReady](err), errors.Is(err, ErrTooManyStreams), errors.Is(err, ErrClosing):
		return huma.NewError(http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return huma.NewError(http.StatusServiceUnavailable, "the answer took too long: "+err.Error())
	default:
		return huma.NewError(http.StatusInternalServerError, err.Error())
	}
}

// Parameter is what the API and the pages call a field of tracker.Query.
func Parameter(field string) string {
	switch field {
	case "search":
		return "q"
	case "startedAfter":
		return "started_after"
	case "startedBefore":
		return "started_before"
	}
	return field
}

// Fields collects what err says of fields: several, if an event type's Validate has joined them.
func Fields(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		all := make([]error, 0, len(joined.Unwrap()))
		for _, e := range joined.Unwrap() {
			all = append(all, Fields(e)...)
		}
		return all
	}
	if field, ok := errors.AsType[*skald.FieldError](err); ok {
		return []error{detail("body.input."+field.Field, field.Problem)}
	}
	if field, ok := errors.AsType[*tracker.QueryError](err); ok {
		return []error{detail("query."+Parameter(field.Field), field.Problem)}
	}
	if field, ok := errors.AsType[*Field](err); ok {
		return []error{detail(field.Location, field.Message)}
	}
	return nil
}

// Is says whether err is one of a type.
func Is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func detail(location, message string) error {
	return &huma.ErrorDetail{Location: location, Message: message}
}

func init() { huma.NewError = newModel } //nolint:gochecknoinits // huma has one hook, and it is a variable

// newModel is what huma calls for its own findings too. It never sends a client's input back. What isn't valid is 400, however it is wrong:
// huma's 422 for a body that is JSON of another shape would be a second status for clients to know, and tell them no more.
func newModel(status int, detail string, errs ...error) huma.StatusError {
	garbled := status == http.StatusBadRequest
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	model := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
	for _, err := range errs {
		d := &huma.ErrorDetail{Message: err.Error()}
		if known, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			d.Location, d.Message = known.Location, known.Message
		}
		if d.Location == "body" && garbled {
			d.Message = "no valid JSON: " + d.Message
		}
		model.Errors = append(model.Errors, d)
	}
	if status == http.StatusRequestEntityTooLarge {
		model.Detail = fmt.Sprintf("the body is larger than %s bytes (64 KiB)", words.Thousands(MaxBody))
	}
	return model
}

// Nowhere says why the mux had no handler for a request.
func Nowhere(status int, r *http.Request, allowed string) huma.StatusError {
	if status == http.StatusMethodNotAllowed {
		return huma.NewError(status, fmt.Sprintf("%s is not allowed for %s, only %s", words.Clip(r.Method), words.Clip(r.URL.Path), allowed))
	}
	return huma.NewError(http.StatusNotFound, "there is nothing at "+words.Clip(r.URL.Path)+"; GET /openapi.json lists what there is")
}

// RetryAfter is when a client may ask again that got no place for a live stream, in seconds. Which of many clients comes first is chance,
// so there is no better answer than a while.
const RetryAfter = "10"

// Headers are those that an answer to an error has beside its body.
func Headers(err error) http.Header {
	if errors.Is(err, ErrTooManyStreams) {
		return http.Header{"Retry-After": {RetryAfter}, "Connection": {"close"}} // thousands of refused clients must not keep theirs
	}
	return nil
}

// Write is for what huma doesn't handle: pages, and addresses that lead nowhere.
func Write(w http.ResponseWriter, problem huma.StatusError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.GetStatus())
	_ = json.NewEncoder(w).Encode(problem) //nolint:errchkjson // strings and numbers: only the client can be the matter
}
