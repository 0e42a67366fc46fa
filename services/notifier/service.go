// Package notifier mails users: a welcome with their device and their grants, or a message in a workflow's own words.
//
// Mail can't go out exactly once, as SMTP has no way to ask whether a mail was taken before the connection broke. So it goes out at least
// once, and a repeat has the same Message-ID, made of the saga's idempotency key, by which the receiver can tell. What was
// mailed can't be taken back, so the step has no compensation.
//
// The service is generic: any workflow may send to the topic notify. The package imports Skald, the contracts and go-mail. Start
// reading here, then mailer.go (the connections) and compose.go (the words).
package notifier

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

// Service is the notifier that mails by m.
func Service(m *Mailer) *skald.Service {
	n := &notifier{m}
	return skald.NewService("notifier",
		skald.Step(events.NotifyTopic, events.NotifiedTopic, n.notify),
	)
}

type notifier struct{ mailer *Mailer }

// notify fails as [Mailer.Send] does.
func (n *notifier) notify(ctx context.Context, in events.Notify) (events.Notified, error) {
	key := skald.IdempotencyKey(ctx)
	if key == "" {
		return events.Notified{}, errors.New("no idempotency key to make a Message-ID of: notify needs the context of a handler")
	}
	subject, text, err := compose(in)
	if err != nil {
		return events.Notified{}, skald.Poison(err)
	}
	id := messageID(key, n.mailer.domain)
	err = n.mailer.Send(ctx, Mail{MessageID: id, To: in.User.Email, ToName: in.User.Name, Subject: subject, Text: text})
	if err != nil {
		return events.Notified{}, err
	}
	return events.Notified{User: in.User, MessageID: id}, nil
}

// messageID is the same for the same key, and unique, as RFC 5322 wants it.
func messageID(key, domain string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(key)).String() + "@" + domain
}
