// Package skald runs choreographed, closed-loop sagas on Kafka: single-responsibility services chained by events, where the
// service that begins a saga is also the one that ends it. There is no orchestrator in the path. Where every run is, what it
// waits for and what failed is derived from the event log.
//
// # Declare
//
// Services share a small package of contracts: a topic is a typed constant, a workflow a typed value.
//
//	const (
//		NewUserTopic   skald.Topic[NewUser]   = "new-user"
//		AuthorizeTopic skald.Topic[Authorize] = "authorize"
//		NotifyTopic    skald.Topic[Notify]    = "notify"
//		NotifiedTopic  skald.Topic[Notified]  = "notified"
//	)
//
//	var Onboarding = skald.NewWorkflow("onboarding", NewUserTopic, NotifiedTopic)
//
// A service is a name and its steps. The initiator begins the saga and ends it; the others take one event and give the next:
//
//	skald.NewService("provisioner",
//		skald.Begin(Onboarding, AuthorizeTopic, assignDevice), // func(context.Context, NewUser) (Authorize, error)
//		skald.End(Onboarding, complete),                       // func(context.Context, Notified) error
//	)
//	skald.NewService("authorizer", skald.Step(AuthorizeTopic, NotifyTopic, grant))
//
// # Run
//
// [Run] serves until its context ends; each service is a process of its own in production, or all run in one. A [Client] starts
// sagas and waits for how they end:
//
//	err := skald.Run(ctx, skald.Config{Brokers: brokers}, provisioner, authorizer, notifier)
//
//	saga, err := Onboarding.Start(ctx, client, NewUser{Name: "Ada"})
//	outcome, err := saga.Wait(ctx)
//
// # Delivery
//
// What a handler returns goes to Kafka exactly once, in the transaction that marks its input as done. The handler itself runs at
// least once: after a crash, a rebalance or a freeze it may run again, even beside itself in another process. Key every effect
// outside of Kafka by [IdempotencyKey]; package skaldsql does that for SQL.
//
// Events of one saga are handled one at a time and in order at each service. Sagas don't wait for each other: an event whose
// handler is slow is parked in the service's ledger, and the topic goes on.
//
// # Errors
//
// A handler says by its error what to do: [Reject], [RetryAfter], [Unavailable], [Poison]. Any other, a panic, and a handler that takes
// longer than its [Subscription.Timeout] are tried again by the step's [RetryPolicy]. An event that is given up is a dead letter in the topic
// skald.dlq, whole and with its headers, and its saga is halted until somebody [Redrive]s or [Discard]s it.
//
// # Undoing
//
// A saga that is rejected, discarded, cancelled ([Cancel]) or past a deadline that expires turns round: its steps are undone by their
// [Subscription.Compensate], the latest first, and its initiator writes how it ended ([Outcome]).
//
// # Test
//
// Package skaldtest runs services, alone or a whole workflow, in memory: feed it an event, let time pass, look at what became of it.
//
// Start reading the code at topic.go, workflow.go and step.go (what is declared), then run.go.
package skald
