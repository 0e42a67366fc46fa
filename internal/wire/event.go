package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of an event. The ce_ ones are CloudEvents attributes; extensions have names of lower-case letters and digits
// only, as CloudEvents 1.0 section 3.1 demands.
const (
	HeaderSpecVersion  = "ce_specversion"
	HeaderID           = "ce_id"
	HeaderSource       = "ce_source"
	HeaderType         = "ce_type"
	HeaderTime         = "ce_time"
	HeaderSubject      = "ce_subject"
	HeaderDataSchema   = "ce_dataschema"
	HeaderContentType  = "content-type"
	HeaderSagaID       = "ce_sagaid"
	HeaderWorkflow     = "ce_workflow"
	HeaderCausationID  = "ce_causationid"
	HeaderHop          = "ce_hop"
	HeaderRoute        = "ce_route"
	HeaderPartitionKey = "ce_partitionkey"
	HeaderParentSaga   = "ce_parentsagaid"
	HeaderAcceptedTime = "ce_acceptedtime"
	HeaderStartedTime  = "ce_startedtime"
	HeaderAttempt      = "ce_attempt"
	HeaderLastError    = "ce_lasterror"
	HeaderTraceParent  = "traceparent"

	specVersion = "1.0"
)

// MaxHop bounds the length of a saga: a token that has made more hops goes round in a circle, or lies.
const MaxHop = 10_000

// maxUndoHop leaves a token that has to turn round at the very end room for the way back.
const maxUndoHop = MaxHop + 2*MaxRouteStops

// Header is one record header, in the order in which it stands on the record.
type Header pair

// Event is one event of a workflow, as read from a record or about to be written to one.
// Zero values mean "not stated": a record of a foreign producer may have no attribute at all.
type Event struct {
	ID          string    // unique with Source; deterministic for what Skald emits (see EventID)
	Source      string    // URI reference of the producer: /skald/<service>, or a foreign producer's own
	Type        string    // the topic's name without the namespace prefix
	Time        time.Time // when it was produced: for a step's output the moment its handler had returned
	Subject     string    // the saga's business key
	DataSchema  string    // URI of the payload's schema, ending in its version
	ContentType string    // media type of Payload; application/json by default

	SagaID       string // a UUID, empty if the event belongs to no saga
	Workflow     string
	CausationID  string // ID of the event that caused this one
	Hop          int    // how many hops the token has made: 0 for a start
	Route        Route  // the routing slip: what can be undone
	PartitionKey string // the key a foreign producer gave, kept when the record was given its saga's key
	ParentSaga   string // for open-loop events: the saga they were emitted from
	TraceParent  string // W3C Trace Context, https://www.w3.org/TR/trace-context/

	// About the work whose output this event is.
	Accepted  time.Time // when the service took the causing event
	Started   time.Time // when its handler began
	Attempt   int       // how many attempts it took, from 1; 0 for what is no work's output
	LastError string    // the error of the attempt before the last, if there was one

	Payload []byte
}

// Headers gives the event's headers. Attributes that aren't set are left out. The values share one array.
func (e *Event) Headers() []Header { return HeadersOf[Header](e) }

// HeadersOf is Event.Headers in a client library's own type, which spares a copy.
func HeadersOf[H header](e *Event) []H {
	w := newHeaderWriter[H](len(e.Route.text) + len(e.Subject) + len(e.LastError))
	w.text(HeaderSpecVersion, specVersion)
	w.text(HeaderID, e.ID)
	w.text(HeaderSource, e.Source)
	w.text(HeaderType, e.Type)
	w.time(HeaderTime, e.Time)
	w.text(HeaderSubject, e.Subject)
	w.text(HeaderDataSchema, e.DataSchema)
	w.text(HeaderContentType, e.ContentType)
	w.text(HeaderSagaID, e.SagaID)
	w.text(HeaderWorkflow, e.Workflow)
	w.text(HeaderCausationID, e.CausationID)
	if e.SagaID != "" {
		w.number(HeaderHop, e.Hop)
	}
	w.text(HeaderRoute, e.Route.text)
	w.text(HeaderPartitionKey, e.PartitionKey)
	w.text(HeaderParentSaga, e.ParentSaga)
	w.time(HeaderAcceptedTime, e.Accepted)
	// What is as a rule the case isn't written: that the handler began at once, and that the first attempt did it.
	if !e.Started.Equal(e.Accepted) {
		w.time(HeaderStartedTime, e.Started)
	}
	if e.Attempt > 1 {
		w.number(HeaderAttempt, e.Attempt)
	}
	w.text(HeaderLastError, e.LastError)
	w.text(HeaderTraceParent, e.TraceParent)
	return w.headers
}

// Parse reads an event from a record's headers and value. It always returns what could be read, with an error that joins
// all that couldn't: the error makes the record a dead letter, what could be read says whose.
func Parse[H header](headers []H, value []byte) (*Event, error) {
	e := &Event{Payload: value}
	var errs []error
	all := joined(headers)
	for _, h := range headers {
		h := pair(h)
		if !attributes[h.Key] {
			continue
		}
		text := all[:len(h.Value)]
		all = all[len(h.Value):]
		if err := e.set(h.Key, text); err != nil {
			errs = append(errs, fmt.Errorf("header %s: %w", h.Key, err))
		}
	}
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

// joined gives the values of an event's attributes in one string, of which each is a part: one allocation instead of twenty.
func joined[H header](headers []H) string {
	size := 0
	for _, h := range headers {
		if h := pair(h); attributes[h.Key] {
			size += len(h.Value)
		}
	}
	var b strings.Builder
	b.Grow(size)
	for _, h := range headers {
		if h := pair(h); attributes[h.Key] {
			b.Write(h.Value)
		}
	}
	return b.String()
}

// Foreign gives the headers that are none of an event's: a foreign producer's own, and Skald's marks on records.
func Foreign(headers []Header) []Header {
	var foreign []Header
	for _, h := range headers {
		if !attributes[h.Key] {
			foreign = append(foreign, h)
		}
	}
	return foreign
}

var attributes = map[string]bool{
	HeaderSpecVersion: true, HeaderID: true, HeaderSource: true, HeaderType: true, HeaderTime: true, HeaderSubject: true,
	HeaderDataSchema: true, HeaderContentType: true, HeaderSagaID: true, HeaderWorkflow: true, HeaderCausationID: true,
	HeaderHop: true, HeaderRoute: true, HeaderPartitionKey: true, HeaderParentSaga: true, HeaderAcceptedTime: true,
	HeaderStartedTime: true, HeaderAttempt: true, HeaderLastError: true, HeaderTraceParent: true,
}

func (e *Event) set(key, value string) (err error) {
	switch key {
	case HeaderSpecVersion:
		if value != specVersion {
			return fmt.Errorf("CloudEvents version %q is not known here, only %s", clip(value), specVersion)
		}
	case HeaderID:
		e.ID = value
	case HeaderSource:
		e.Source = value
	case HeaderType:
		e.Type = value
	case HeaderTime:
		e.Time, err = parseTime(value)
	case HeaderSubject:
		e.Subject = value
	case HeaderDataSchema:
		e.DataSchema = value
	case HeaderContentType:
		e.ContentType = value
	case HeaderSagaID:
		e.SagaID, err = ParseSagaID(value)
	case HeaderWorkflow:
		e.Workflow = value
	case HeaderCausationID:
		e.CausationID = value
	case HeaderHop:
		e.Hop, err = parseCount(value, maxUndoHop)
	case HeaderRoute:
		e.Route, err = parseRoute(value)
	case HeaderPartitionKey:
		e.PartitionKey = value
	case HeaderParentSaga:
		e.ParentSaga = value
	case HeaderAcceptedTime:
		e.Accepted, err = parseTime(value)
	case HeaderStartedTime:
		e.Started, err = parseTime(value)
	case HeaderAttempt:
		e.Attempt, err = parseCount(value, 1<<30)
	case HeaderLastError:
		e.LastError = value
	case HeaderTraceParent:
		e.TraceParent = value
	}
	return err
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

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no RFC 3339 time", clip(s))
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
