package wire

import "time"

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

	// HeaderEditedBy says that a person has given the event another payload when it was redriven, and who. The event as it was
	// sent is in its dead letter. It is on the event in ledgers and later letters, and on none that follow from it.
	HeaderEditedBy = "ce_editedby"

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
func (e *Event) Headers() []Header {
	headers, _ := AppendHeaders(make([]Header, 0, HeadersMost), make([]byte, 0, e.HeaderBytes()), e)
	return headers
}

// HeadersMost is how many headers an event can have.
const HeadersMost = 20

// HeaderBytes is about how many bytes the values of the event's headers have.
func (e *Event) HeaderBytes() int {
	const short = 384 // IDs, times and names
	return short + len(e.Route.text) + len(e.Subject) + len(e.LastError)
}

// AppendHeaders appends the event's headers to those of others, in a client library's own type, and their values to values, of which the
// headers are parts.
func AppendHeaders[H header](headers []H, values []byte, e *Event) ([]H, []byte) {
	w := headerWriter[H]{headers, values}
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
	w.add(HeaderRoute, append(w.values, e.Route.text...))
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
	return w.headers, w.values
}
