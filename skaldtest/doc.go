// Package skaldtest is for the tests of service authors: it runs services in memory, with no broker, no goroutine and no sleeping.
//
// A [World] is some services, the topics between them, and a clock. Feed it an event and it runs until nothing is left to do now; then look at
// what became of it:
//
//	w := skaldtest.New(t, provisioner.Service(inventory), authorizer.Service(policies, grants))
//	saga := skaldtest.Start(w, events.Onboarding, events.NewUser{...})
//	saga.Status()                                    // {rejected, "no policy grants anything to sales"}
//	saga.Undone()                                    // [authorizer/authorize provisioner/new-user]
//
//	w = skaldtest.New(t, notifier.Service(mailer))   // one service alone
//	saga = skaldtest.Send(w, events.Onboarding, events.NotifyTopic, events.Notify{...})
//	saga.Status()                                    // {retrying, notifier, notify, attempt 1, in 1s, "SMTP 451 …"}
//	w.Advance(time.Second)                           // the second attempt
//	skaldtest.Emitted(saga, events.NotifiedTopic)    // what came of it, typed
//
// What a service does about an event, a failure, a request or a point in time is decided by the very code that decides it in
// production (internal/saga); only Kafka is a model: transactions always commit, and there is one partition and one process per service.
// Whatever can come of Kafka itself, or of processes that die, is left out, but for one thing that handlers must bear: [World.RunTwice].
//
// It is deterministic. Handlers run one at a time, on the goroutine of the test, so a handler may fail the test. The clock stands still
// while they run; [World.Advance] moves it. Delays between attempts are as long as the policy allows, without jitter. IDs are the same
// in every run. A handler that waits for time to pass, or for its step's Timeout, does so in real time, unless the test is in a bubble
// of testing/synctest, where that takes none.
//
// Without a World, [Context] is the context in which the engine would call a handler, for a unit test of a handler alone.
//
// The package imports Skald, and of it what the engine is made of. Start reading at world.go, then member.go.
package skaldtest
