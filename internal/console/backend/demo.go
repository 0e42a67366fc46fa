package backend

import (
	"context"

	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// Demo is what `skald up` offers on the Onboarding page. All of it must be safe for concurrent use, and all but Mailbox is
// required.
type Demo struct {
	Services Services
	Hires    Hires
	Faults   Faults
	Mailbox  Mailbox
}

// Services plays and stops the services of the demo.
type Services interface {
	// List names the services in the order of the chain.
	List() []ServiceState
	// Play starts a service and Stop drains it; both return once that is under way, and do nothing if it already is so.
	// They return an error for a name that isn't in List.
	Play(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	// Changed is closed at the next change of what List returns.
	Changed() <-chan struct{}
}

// ServiceState says how a service of the demo is. Both fields beside the name are false while it is stopped.
type ServiceState struct {
	Name     string
	Running  bool
	Changing bool // on its way up (Running is false) or down (Running is true)
}

// Hires is the list of new hires that the button goes through.
type Hires interface {
	Peek() (next events.NewUser, ok bool)
	Next() (next events.NewUser, ok bool)
	PutBack(hire events.NewUser) // a hire taken by Next whose saga could not be started
	Remaining() int
}

// Faults is the lag that the demo adds to every step, and how often the handlers of each service fail.
type Faults interface {
	Lag() demo.Range
	SetLag(lag demo.Range) error // says what is allowed
	Chaos() map[string]float64   // by service, 0 to 1; one that isn't in it doesn't fail
	SetChaos(service string, probability float64) error
}

// Mailbox is what the console asks of [mailbox.Mailbox].
type Mailbox interface {
	// Mails returns at most limit mails that are older than the one with the given number, the newest first. 0 is no bound.
	Mails(limit int, before uint64) []mailbox.Mail
	Count() int64
	Changed() <-chan struct{}
}

// Word says how the service is: running, stopped, starting or stopping.
func (s ServiceState) Word() string {
	switch {
	case s.Running && s.Changing:
		return "stopping"
	case s.Changing:
		return "starting"
	case s.Running:
		return "running"
	default:
		return "stopped"
	}
}
