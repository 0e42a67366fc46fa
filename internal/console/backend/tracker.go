package backend

import (
	"context"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
)

// Tracker is what the console asks of [tracker.Tracker].
type Tracker interface {
	Lists
	Failures
	Traffic
	Stories
	Audit
	Services(ctx context.Context) ([]tracker.Service, error)
	Changed() (seq int64, changed <-chan struct{})
	Lag() tracker.Lag
	Status() tracker.Status
}

// Lists is what a [Tracker] tells of many sagas.
type Lists interface {
	Sagas(ctx context.Context, q tracker.Query) (tracker.Page, error)
	ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error)
	Counts(ctx context.Context, workflow string) (map[string]int64, error)
	Among(ctx context.Context, ids []string) ([]tracker.Saga, error)
	Count(ctx context.Context, q tracker.Query) (tracker.Count, error)
	Each(ctx context.Context, q tracker.Query, upTo int64, yield func(tracker.Saga) bool) error
	Outcomes(ctx context.Context, since time.Time) ([]tracker.MinuteOutcomes, error)
}

// Failures is what a [Tracker] tells of what went wrong, and who can end a saga.
type Failures interface {
	Causes(ctx context.Context, q tracker.CauseQuery) (causes []tracker.Cause, total int, err error)
	Letters(ctx context.Context, q tracker.LetterQuery) (tracker.LetterPage, error)
	Letter(ctx context.Context, partition int32, offset int64) (tracker.Letter, error)
	LettersAt(ctx context.Context, places []tracker.LetterPlace) ([]tracker.Letter, error)
	LetterCounts(ctx context.Context) (map[string]int64, error)
	LetterSpans(ctx context.Context, causes []string, since time.Time, length time.Duration, n int) (map[string][]int64, error)
	Initiator(workflow string) string
}

// Traffic is what a [Tracker] tells of services' declarations, and of the events that go between them.
type Traffic interface {
	Declared(ctx context.Context) ([]tracker.Declaration, error)
	Hops(ctx context.Context, window time.Duration) ([]tracker.Hop, error)
}

// Stories is what a [Tracker] tells of one saga, and of its records.
type Stories interface {
	Saga(ctx context.Context, id string) (tracker.Saga, error)
	EventsUpTo(ctx context.Context, id string, most int) ([]tracker.Event, error)
	Event(ctx context.Context, id, topic string, partition int32, offset int64) (tracker.Event, error)
}

// Client is what the console asks of [skald.Client].
type Client interface {
	Ask(ctx context.Context, requests ...skald.Request) ([]skald.Answer, error)
	DeadLetter(ctx context.Context, partition int32, offset int64) (skald.DeadLetter, error)
	DeadLetters(ctx context.Context, yield func(skald.DeadLetter) bool) error
}
