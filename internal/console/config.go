package console

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/mask"
)

// DefaultMaxStreams is how many clients may follow live if nobody says.
const DefaultMaxStreams = 256

// Config says what the console shows and what it may do.
type Config struct {
	// Tracker tells what the log says. Required.
	Tracker backend.Tracker

	// Start begins a saga and returns once the broker has taken its first event. It returns *skald.FieldError, or several
	// joined by errors.Join, for input that isn't valid; any other error means that the broker didn't confirm the event.
	// The same idempotency key begins the same saga again, which is no second one. Required.
	Start func(ctx context.Context, workflow string, input json.RawMessage, idempotencyKey string) (id string, err error)

	// Client asks services for what people want of sagas and dead letters, and reads the latter: a *skald.Client. Required.
	Client backend.Client

	// Workflows are the names that Start knows.
	Workflows []string

	// Demo is what `skald up` adds to the Onboarding page. Without it the page can only be looked at.
	Demo *backend.Demo

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

	// Users are those who may use it. Default: everybody may do everything, which is for loopback addresses alone.
	Users *access.Users

	// Mask says which fields of payloads are shown to nobody. Default: none.
	Mask *mask.Rules

	// MaxStreams bounds how many clients may follow live at once; the next one gets status 503. Default [DefaultMaxStreams].
	MaxStreams int
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
		c.MaxStreams = DefaultMaxStreams
	}
	return c
}

func (c Config) backend() *backend.Backend {
	return &backend.Backend{
		Tracker: c.Mask.Tracker(c.Tracker), Letter: c.Mask.Letter, Edit: c.Mask.Edit, Start: c.Start, Client: c.Client, Workflows: c.Workflows, Demo: c.Demo, Ready: c.Ready,
		Broker: c.Broker, Durable: c.Durable, Logger: c.Logger.With("component", "console"), Version: c.Version, Life: rand.Text(),
	}
}
