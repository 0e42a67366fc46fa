// Package crashtest is the proof that crashes cost no saga and double none. It has tests only.
//
// The onboarding services run as processes of their own, two instances of each, while they are killed at moments of choice,
// frozen and thawed, rolled to another version, scaled up and down, and while brokers die and leaders move. Half of them have slots, and
// one call in twenty of the notifier fails, so that retries are part of it: none may come early, twice or never. The binary
// is the real one and knows nothing of it: a proxy before each instance sees its requests to Kafka, and so the moment; a relay
// sees its mails. Afterwards a reader that shares no code with the engine goes through the topics, and the services' own
// databases and the mailbox are asked as well.
//
// SKALD_CRASH_SAGAS says how many sagas (default 2,000; make crash runs 20,000), SKALD_CRASH_SEED repeats a schedule: kinds and
// victims, not the microsecond.
//
// TestStorm is the same for what goes wrong in the services themselves: handlers and compensations fail and hang, policies deny, an event
// is poison until it is mended, people cancel, redrive and discard, while processes are killed at random (stormy is the binary). What
// each saga's end implies must be in its records, the databases and the mailbox. SKALD_STORM_SAGAS says how many (default 300).
//
// Start reading at crash_test.go, then faults_test.go; check_test.go says what is a violation, and mutants_test.go that it is found; or at storm_test.go.
package crashtest
