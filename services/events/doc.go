// Package events holds the contracts of the shipped services: the topics, the types of their events, and the workflow
// onboarding.
//
//	new-user -> provisioner -> authorize -> authorizer -> notify -> notifier -> notified -> provisioner
//
// Authorize and Notify are generic: they say who, with what and what is granted, and nothing about onboarding, so that other workflows
// send them to the same two services. On the wire they are JSON with lower-case names; a field that is added later is one that
// older readers pass over.
//
// The package imports Skald only. Start reading here, then validate.go (what is refused, and how that is said).
package events

import (
	"time"

	"github.com/skald-saga/skald"
)

// The topics, in the order in which a saga goes through them.
const (
	NewUserTopic   skald.Topic[NewUser]   = "new-user"
	AuthorizeTopic skald.Topic[Authorize] = "authorize"
	NotifyTopic    skald.Topic[Notify]    = "notify"
	NotifiedTopic  skald.Topic[Notified]  = "notified"
)

// Onboarding gives a new user a device, access and a mail that says so. People search for its sagas by mail address.
var Onboarding = skald.NewWorkflow("onboarding", NewUserTopic, NotifiedTopic).
	Subject(func(u NewUser) string { return u.Email }).
	Deadline(24 * time.Hour)
