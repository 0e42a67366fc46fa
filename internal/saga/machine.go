package saga

import (
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// Machine is a service, as far as decisions go.
type Machine struct {
	Service   string
	Steps     map[string]*Step // by input topic, without prefix
	Partition func(sagaID string) int32
	Chance    func() float64 // in [0, 1): spreads attempts in time
	MaxEvent  int            // bytes of an event, key and headers included
	InboxRoom int            // bytes that a record may have got on its way through the inbox

	// Whole gives an item's record as it was read, for what keeps all of it.
	Whole func(*Item) *wire.Record

	// Stopping says that the service is told to stop: a handler whose context has ended was interrupted and hasn't failed.
	Stopping bool

	// Refused holds what the brokers refuse to take for what it is, by item: it is dealt with in another way.
	Refused map[Key]error

	source  string
	outages map[*Step]*outage
	spare   *Batch // memory for the next
}

// NewMachine makes the machine of a service.
func NewMachine(service string, steps map[string]*Step) *Machine {
	return &Machine{
		Service: service, Steps: steps, Refused: map[Key]error{},
		source: wire.Source(service), outages: map[*Step]*outage{},
	}
}

// Step is one subscription of a service, as declared, without its handlers.
type Step struct {
	wire.Step
	SchemaVersion int // of the input, as known here
	Concurrency   int // handlers at a time, in one process
	Retry         Policy
	Timeout       time.Duration // of one attempt; 0 is none

	// Readable says whether the payload can be decoded and is valid.
	Readable func(*wire.Event) error

	// Subject reads the business key from a start's payload (role begin).
	Subject func(*wire.Event) string
}

// Announced is what the service says of the step to whoever reads along.
func (s *Step) Announced() wire.Step {
	a := s.Step
	a.Attempts = max(1, s.Retry.Attempts)
	if a.Compensable {
		a.UndoAttempts = s.Retry.forUndo().Attempts
	}
	return a
}

// Output is an event that a handler produced.
type Output struct {
	Topic       string
	Payload     []byte
	ContentType string
	Schema      string
	OpenLoop    bool // carries no token: the saga doesn't wait for it
}

// Failure is an error with a word on what to do about it: the typed control errors of the library.
type Failure struct {
	Class string // wire.ClassFailed and so on
	After time.Duration
	Stack string
	Err   error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

func poison(format string, args ...any) *Failure {
	return &Failure{Class: wire.ClassPoison, Err: fmt.Errorf(format, args...)}
}

// asStart makes an event a start, whatever it says of itself.
func (s *Step) asStart(e *wire.Event) {
	e.Workflow, e.Route, e.Hop = s.Workflow, wire.Route{}, 0
	if e.Subject == "" {
		e.Subject = s.Subject(e)
	}
}

// begins finds the step with which this service begins a workflow.
func (m *Machine) begins(workflow string) *Step {
	for _, s := range m.Steps {
		if s.Role == wire.RoleBegin && s.Workflow == workflow {
			return s
		}
	}
	return nil
}
