package wire

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Parse reads an event from a record's headers and value. It always returns what could be read, with an error that joins
// all that couldn't: the error makes the record a dead letter, what could be read says whose. Payload and routing slip are the
// record's own bytes, which nobody may write to.
func Parse[H header](headers []H, value []byte) (*Event, error) {
	e := &Event{Payload: value}
	var errs []error
	var t texts
	for i := range headers {
		h := pair(headers[i])
		if err := t.set(e, h.Key, h.Value); err != nil {
			errs = append(errs, fmt.Errorf("header %s: %w", h.Key, err))
		}
	}
	t.give()
	if !e.Accepted.IsZero() {
		if e.Started.IsZero() {
			e.Started = e.Accepted
		}
		if e.Attempt == 0 {
			e.Attempt = 1
		}
	}
	if e.SagaID == "" && !e.Route.IsEmpty() {
		errs = append(errs, errors.New("header ce_route: an event without ce_sagaid has nothing to undo"))
		e.Route = Route{}
	}
	return e, errors.Join(errs...)
}

// texts collects the values of attributes, to give them out as parts of one string: one allocation instead of a dozen. It has arrays
// and no slices, so that it stays on the stack.
type texts struct {
	fields [16]*string
	ends   [16]int // of their values
	values [512]byte
	n, end int
}

func (t *texts) take(field *string, value []byte) {
	if t.n == len(t.fields) || len(value) > len(t.values)-t.end {
		*field = string(value)
		return
	}
	t.end += copy(t.values[t.end:], value)
	t.fields[t.n], t.ends[t.n] = field, t.end
	t.n++
}

func (t *texts) give() {
	all := string(t.values[:t.end])
	from := 0
	for i, field := range t.fields[:t.n] {
		*field = all[from:t.ends[i]]
		from = t.ends[i]
	}
}

// jsonType is the media type of nearly every event: it needs no new string.
const jsonType = "application/json"

func (t *texts) set(e *Event, key string, value []byte) (err error) {
	switch key {
	case HeaderSpecVersion:
		if string(value) != specVersion {
			return fmt.Errorf("CloudEvents version %q is not known here, only %s", clip(string(value)), specVersion)
		}
	case HeaderID:
		t.take(&e.ID, value)
	case HeaderSource:
		t.take(&e.Source, value)
	case HeaderType:
		t.take(&e.Type, value)
	case HeaderTime:
		e.Time, err = parseTime(value)
	case HeaderSubject:
		t.take(&e.Subject, value)
	case HeaderDataSchema:
		t.take(&e.DataSchema, value)
	case HeaderContentType:
		if string(value) == jsonType {
			e.ContentType = jsonType
			return nil
		}
		t.take(&e.ContentType, value)
	case HeaderSagaID:
		return t.sagaID(e, value)
	case HeaderWorkflow:
		t.take(&e.Workflow, value)
	case HeaderCausationID:
		t.take(&e.CausationID, value)
	case HeaderHop:
		e.Hop, err = parseCount(string(value), maxUndoHop)
	case HeaderRoute:
		e.Route, err = parseRoute(value)
	case HeaderPartitionKey:
		t.take(&e.PartitionKey, value)
	case HeaderParentSaga:
		t.take(&e.ParentSaga, value)
	case HeaderAcceptedTime:
		e.Accepted, err = parseTime(value)
	case HeaderStartedTime:
		e.Started, err = parseTime(value)
	case HeaderAttempt:
		e.Attempt, err = parseCount(string(value), 1<<30)
	case HeaderLastError:
		t.take(&e.LastError, value)
	case HeaderTraceParent:
		t.take(&e.TraceParent, value)
	}
	return err
}

// sagaID takes the canonical form: the record key, and so the partition, depends on its very letters.
func (t *texts) sagaID(e *Event, value []byte) error {
	id, err := uuid.ParseBytes(value)
	if err != nil || len(value) != len(uuid.Nil.String()) {
		return fmt.Errorf("%q is no UUID", clip(string(value)))
	}
	var canonical [36]byte
	hexUUID(&canonical, id)
	t.take(&e.SagaID, canonical[:])
	return nil
}

func parseCount(s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%q is no whole number from 0 to %d", clip(s), most)
	}
	return n, nil
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseTime(value []byte) (t time.Time, err error) {
	if err := t.UnmarshalText(value); err != nil {
		return time.Time{}, fmt.Errorf("%q is no RFC 3339 time", clip(string(value)))
	}
	return t, nil
}

// clip keeps a hostile value from flooding a log or a letter's error header.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// isAttribute says whether a header is an attribute of an event.
func isAttribute(key string) bool {
	switch key {
	case HeaderSpecVersion, HeaderID, HeaderSource, HeaderType, HeaderTime, HeaderSubject, HeaderDataSchema, HeaderContentType,
		HeaderSagaID, HeaderWorkflow, HeaderCausationID, HeaderHop, HeaderRoute, HeaderPartitionKey, HeaderParentSaga,
		HeaderAcceptedTime, HeaderStartedTime, HeaderAttempt, HeaderLastError, HeaderTraceParent:
		return true
	}
	return false
}

// Foreign gives the headers that are none of an event's: a foreign producer's own, and Skald's marks on records.
func Foreign(headers []Header) []Header {
	var foreign []Header
	for _, h := range headers {
		if !isAttribute(h.Key) {
			foreign = append(foreign, h)
		}
	}
	return foreign
}
