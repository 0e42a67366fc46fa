package bench

import (
	"context"
	"log/slog"
	"time"

	"github.com/skald-saga/skald"
)

const (
	newUserTopic   skald.Topic[newUser]   = "new-user"
	authorizeTopic skald.Topic[authorize] = "authorize"
	notifyTopic    skald.Topic[notify]    = "notify"
	notifiedTopic  skald.Topic[notified]  = "notified"
)

var onboarding = skald.NewWorkflow("onboarding", newUserTopic, notifiedTopic).
	Subject(func(u newUser) string { return u.Email }).
	Deadline(24 * time.Hour)

// serviceNames are those of the groups, whoever is the contestant.
var serviceNames = []string{"provisioner", "authorizer", "notifier"}

// skaldServices are declared as the shipped ones are: with a subject, a deadline and two steps that can be undone, so that
// all that Skald carries for it is on the wire.
func skaldServices() []*skald.Service {
	return []*skald.Service{
		skald.NewService(serviceNames[0],
			skald.Begin(onboarding, authorizeTopic, func(_ context.Context, in newUser) (authorize, error) { return assign(in), nil }).
				Compensate(func(context.Context, newUser, *authorize) error { return nil }),
			skald.End(onboarding, func(_ context.Context, in notified) error { complete(in); return nil }), //nolint:staticcheck // the bare chain calls it too
		),
		skald.NewService(serviceNames[1],
			skald.Step(authorizeTopic, notifyTopic, func(_ context.Context, in authorize) (notify, error) { return grant(in), nil }).
				Compensate(func(context.Context, authorize, *notify) error { return nil }),
		),
		skald.NewService(serviceNames[2],
			skald.Step(notifyTopic, notifiedTopic, func(_ context.Context, in notify) (notified, error) { return mail(in), nil }),
		),
	}
}

// skaldConfig is a user's, but for what has to fit the scenario.
func (s spec) skaldConfig() skald.Config {
	settle := s.Settle
	if settle == 0 {
		settle = -1 // Skald's "none"
	}
	return skald.Config{
		Brokers: []string{s.Addr}, Prefix: s.Prefix, Partitions: int32(s.Partitions), Settle: settle, Logger: slog.Default(),
	}
}
