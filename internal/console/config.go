package console

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// Config says what the console shows and what it may do.
type Config struct {
	// Tracker tells what the log says. Required.
	Tracker Tracker

	// Start begins a saga and returns once the broker has taken its first event. It returns *skald.FieldError, or several
	// joined by errors.Join, for input that isn't valid; any other error means that the broker didn't confirm the event.
	// The same idempotency key begins the same saga again, which is no second one. Required.
	Start func(ctx context.Context, workflow string, input json.RawMessage, idempotencyKey string) (id string, err error)

	// Client asks services for what people want of sagas and dead letters, and reads the latter: a *skald.Client. Required.
	Client Client

	// Workflows are the names that Start knows.
	Workflows []string

	// Demo is what `skald up` adds to the Onboarding page. Without it the page can only be looked at.
	Demo *Demo

	// Ready returns nil once a saga could run, else the reason. Default: always ready.
	Ready func(context.Context) error

	// Broker names the broker at the foot of the page, e.g. "embedded broker 127.0.0.1:9092".
	Broker string

	// Durable says whether the data of broker and services survive a restart.
	Durable bool

	// Metrics answers GET /metrics. Default: 404.
	Metrics http.Handler

	// Logger takes what the console says. Default slog.Default().
	Logger *slog.Logger

	// Version of Skald, as the OpenAPI document names it. Default "dev".
	Version string

	// MaxStreams bounds how many clients may follow live at once; the next one gets status 503. Default 64.
	MaxStreams int
}

// Tracker is what the console asks of [tracker.Tracker].
type Tracker interface {
	Saga(ctx context.Context, id string) (tracker.Saga, error)
	Sagas(ctx context.Context, q tracker.Query) (tracker.Page, error)
	ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error)
	Counts(ctx context.Context, workflow string) (map[string]int64, error)
	Failures
	Services(ctx context.Context) ([]tracker.Service, error)
	Changed() (seq int64, changed <-chan struct{})
	Lag() tracker.Lag
	Status() tracker.Status
}

// Failures is what a [Tracker] tells of what went wrong, and who can end a saga.
type Failures interface {
	Causes(ctx context.Context) (causes []tracker.Cause, total int, err error)
	Letters(ctx context.Context, q tracker.LetterQuery) (tracker.LetterPage, error)
	Letter(ctx context.Context, partition int32, offset int64) (tracker.Letter, error)
	Initiator(workflow string) string
}

// Client is what the console asks of [skald.Client].
type Client interface {
	Ask(ctx context.Context, requests ...skald.Request) ([]skald.Answer, error)
	DeadLetter(ctx context.Context, partition int32, offset int64) (skald.DeadLetter, error)
	DeadLetters(ctx context.Context, yield func(skald.DeadLetter) bool) error
}

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

func (c Config) withDefaults() Config {
	if c.Tracker == nil || c.Start == nil || c.Client == nil {
		panic(errors.New("console: Config.Tracker, Config.Start and Config.Client are required"))
	}
	if d := c.Demo; d != nil && (d.Services == nil || d.Hires == nil || d.Faults == nil) {
		panic(errors.New("console: Config.Demo needs Services, Hires and Faults"))
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = 64
	}
	return c
}
