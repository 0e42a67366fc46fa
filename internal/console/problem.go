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
	errUsedUp         = errors.New("No more new users to onboard.") //nolint:staticcheck // the sentence that the page shows
	errTooManyStreams = errors.New("too many clients follow live already: close a page, or try again later")
	errClosing        = errors.New("the console is shutting down")
)

// fieldProblem says what is wrong with one part of a request.
type fieldProblem struct{ location, message string }

func (p *fieldProblem) Error() string { return p.location + ": " + p.message }

// missing says that the address names something that isn't there.
type missing struct{ message string }

func (m *missing) Error() string { return m.message }

// unconfirmed says that the broker didn't take a start. Whether it was published all the same is not known, which is why
// the advice is to repeat it with the same key.
type unconfirmed struct{ err error }

func (u *unconfirmed) Error() string {
	return "the broker did not confirm the start: " + u.err.Error() +
		". Try again, with the same Idempotency-Key if you sent one: then nothing is started twice"
}
func (u *unconfirmed) Unwrap() error { return u.err }

// notReady says why no saga could run yet.
type notReady struct{ err error }

func (n *notReady) Error() string { return "not ready: " + n.err.Error() }
func (n *notReady) Unwrap() error { return n.err }

// problemOf is the one place where an error becomes a response.
func problemOf(err error) huma.StatusError {
	var query *tracker.QueryError
	var gone *missing
	var wrong *fieldProblem
	var silent *unconfirmed
	var unready *notReady
	switch fields := fieldErrors(err); {
	case len(fields) > 0:
		return huma.NewError(http.StatusUnprocessableEntity, "the input is not valid", fields...)
	case errors.As(err, &wrong):
		return huma.NewError(http.StatusUnprocessableEntity, "the request is not valid", problemDetail(wrong.location, wrong.message))
	case errors.As(err, &query):
		return huma.NewError(http.StatusUnprocessableEntity, "the request is not valid", problemDetail(queryParameter(query.Field), query.Problem))
	case errors.As(err, &gone), errors.Is(err, tracker.ErrNotFound):
		return huma.NewError(http.StatusNotFound, err.Error())
	case errors.Is(err, errUsedUp):
		return huma.NewError(http.StatusConflict, err.Error())
	case errors.As(err, &silent), errors.As(err, &unready), errors.Is(err, errTooManyStreams), errors.Is(err, errClosing):
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

// fieldErrors collects every *skald.FieldError in err, as the event type's Validate joined them.
func fieldErrors(err error) []error {
	var field *skald.FieldError
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // walks the tree itself
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, fieldErrors(e)...)
		}
		return all
	}
	if errors.As(err, &field) {
		return []error{problemDetail("body.input."+field.Field, field.Problem)}
	}
	return nil
}

func problemDetail(location, message string) error {
	return &huma.ErrorDetail{Location: location, Message: message}
}

func init() { huma.NewError = newProblem }

// newProblem is what huma calls for its own findings too. It never sends a client's input back.
func newProblem(status int, detail string, errs ...error) huma.StatusError {
	model := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
	for _, err := range errs {
		var d *huma.ErrorDetail
		if !errors.As(err, &d) {
			d = &huma.ErrorDetail{Message: err.Error()}
		}
		d = &huma.ErrorDetail{Location: d.Location, Message: d.Message}
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
	_ = json.NewEncoder(w).Encode(problem) // the client may be gone
}
