// Package backend says what the console has behind it: the tracker that tells, the client that asks, and what the demo adds. Each
// is an interface, so that pages and API can be tried with a scripted one (consoletest).
package backend

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/skald-saga/skald"
)

// Backend is what the pages and the API have behind them.
type Backend struct {
	// Tracker tells what the log says, masked. Required.
	Tracker Tracker

	// Start begins a saga and returns once the broker has taken its first event. It returns *skald.FieldError, or several
	// joined by errors.Join, for input that isn't valid; any other error means that the broker didn't confirm the event.
	// The same idempotency key begins the same saga again, which is no second one. Required.
	Start func(ctx context.Context, workflow string, input json.RawMessage, idempotencyKey string) (id string, err error)

	// Client asks services for what people want of sagas and dead letters, and reads the latter: a *skald.Client. Required.
	Client Client

	// Letter masks a dead letter of Client, which has to be done before it is shown, and must not be before it is redriven. Required.
	Letter func(skald.DeadLetter) skald.DeadLetter

	// Edit gives the payload that somebody has made of a letter that Letter had masked, with what was masked put back from the letter, which isn't masked. A
	// *mask.RestoreError says what can't be put back. Required.
	Edit func(l skald.DeadLetter, payload []byte) ([]byte, error)

	// Workflows are the names that Start knows.
	Workflows []string

	// Demo is what `skald up` adds to the Onboarding page. Without it the page can only be looked at.
	Demo *Demo

	// Ready returns nil once a saga could run, else the reason. Required.
	Ready func(context.Context) error

	// Broker names the broker at the foot of the page, e.g. "embedded broker 127.0.0.1:9092".
	Broker string

	// Durable says whether the data of broker and services survive a restart.
	Durable bool

	// Logger takes what the console says. Required.
	Logger *slog.Logger

	// Version of Skald, as the OpenAPI document and pages name it. Required.
	Version string

	// Touched is notified when the demo was changed through the API: hires, lag, failures.
	Touched Signal

	// Life differs for every console: what is named by it (an idempotency key, a position) must not meet that of a former life.
	Life string
}
