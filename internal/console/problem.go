package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
)

// maxBody is the size of the largest request body, in bytes.
const maxBody = 64 << 10

// Problems of the console itself; problemOf gives them their status.
var (
	errUsedUp         = errors.New("no more new users to onboard")
	errTooManyStreams = errors.New("too many clients follow live already: close a page, or try again later")
	errClosing        = errors.New("the console is shutting down")
)

// fieldError says what is wrong with one part of a request.
type fieldError struct{ location, message string }

func (f *fieldError) Error() string { return f.location + ": " + f.message }

// missingError says that the address names something that isn't there.
type missingError struct{ message string }

func (m *missingError) Error() string { return m.message }

// refusedError says that what is asked for can't be done as things are: in the words of the service, if it was asked.
type refusedError struct{ message string }

func (r *refusedError) Error() string { return r.message }

// unaskedError says that a service was not asked.
type unaskedError struct{ err error }

func (u *unaskedError) Error() string { return "nothing was asked for: " + u.err.Error() }
func (u *unaskedError) Unwrap() error { return u.err }

// unconfirmedError says that the broker didn't confirm a start. Whether it was published all the same is not known, hence
// the advice on how to repeat it.
type unconfirmedError struct {
	err    error
	advice string
}

func (u *unconfirmedError) Error() string {
	return "the broker did not confirm the start: " + u.err.Error() + ". " + u.advice
}
func (u *unconfirmedError) Unwrap() error { return u.err }

// notReadyError says why no saga could run yet.
type notReadyError struct{ err error }

func (n *notReadyError) Error() string { return "not ready: " + n.err.Error() }
func (n *notReadyError) Unwrap() error { return n.err }

// problemOf is the one place where an error becomes a response.
func problemOf(err error) huma.StatusError {
	switch fields := fieldErrors(err); {
	case len(fields) > 0:
		return huma.NewError(http.StatusUnprocessableEntity, "the request is not valid", fields...)
	case is[*missingError](err), errors.Is(err, tracker.ErrNotFound), errors.Is(err, tracker.ErrNoLetter):
		return huma.NewError(http.StatusNotFound, err.Error())
	case errors.Is(err, errUsedUp), is[*refusedError](err):
		return huma.NewError(http.StatusConflict, err.Error())
	case is[*unconfirmedError](err), is[*unaskedError](err), is[*notReadyError](err), errors.Is(err, errTooManyStreams), errors.Is(err, errClosing):
		return huma.NewError(http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return huma.NewError(http.StatusServiceUnavailable, "the answer took too long: "+err.Error())
	default:
		return huma.NewError(http.StatusInternalServerError, err.Error())
	}
}

// queryParameter is where the API has a field of tracker.Query.
func queryParameter(field string) string {
	if field == "search" {
		field = "q"
	}
	return "query." + field
}

// fieldErrors collects what err says of fields: several, if an event type's Validate has joined them.
func fieldErrors(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		all := make([]error, 0, len(joined.Unwrap()))
		for _, e := range joined.Unwrap() {
			all = append(all, fieldErrors(e)...)
		}
		return all
	}
	if field, ok := errors.AsType[*skald.FieldError](err); ok {
		return []error{problemDetail("body.input."+field.Field, field.Problem)}
	}
	if field, ok := errors.AsType[*tracker.QueryError](err); ok {
		return []error{problemDetail(queryParameter(field.Field), field.Problem)}
	}
	if field, ok := errors.AsType[*fieldError](err); ok {
		return []error{problemDetail(field.location, field.message)}
	}
	return nil
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func problemDetail(location, message string) error {
	return &huma.ErrorDetail{Location: location, Message: message}
}

func init() { huma.NewError = newProblem } //nolint:gochecknoinits // huma has one hook, and it is a variable

// newProblem is what huma calls for its own findings too. It never sends a client's input back.
func newProblem(status int, detail string, errs ...error) huma.StatusError {
	model := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
	for _, err := range errs {
		d := &huma.ErrorDetail{Message: err.Error()}
		if known, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			d.Location, d.Message = known.Location, known.Message
		}
		if d.Location == "body" && status == http.StatusBadRequest {
			d.Message = "no valid JSON: " + d.Message
		}
		model.Errors = append(model.Errors, d)
	}
	if status == http.StatusRequestEntityTooLarge {
		model.Detail = fmt.Sprintf("the body is larger than %s bytes (64 KiB)", thousands(maxBody))
	}
	return model
}

// refused says why the mux had no handler for a request.
func refused(status int, r *http.Request, allowed string) huma.StatusError {
	if status == http.StatusMethodNotAllowed {
		return huma.NewError(status, fmt.Sprintf("%s is not allowed for %s, only %s", clip(r.Method), clip(r.URL.Path), allowed))
	}
	return huma.NewError(http.StatusNotFound, "there is nothing at "+clip(r.URL.Path)+"; GET /openapi.json lists what there is")
}

// writeProblem is for what huma doesn't handle: pages, and addresses that lead nowhere.
func writeProblem(w http.ResponseWriter, problem huma.StatusError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.GetStatus())
	_ = json.NewEncoder(w).Encode(problem) //nolint:errchkjson // strings and numbers: only the client can be the matter
}
