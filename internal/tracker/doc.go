// Package tracker is the passive reader that turns the log into timelines: it follows the registry of services, reads the
// topics that they declare, and projects events, ledgers, dead letters and outcomes into SQL. If every tracker is lost, no
// saga notices.
//
// A record goes one way: read.go polls it, projection.go says what it tells (a fact), state.go merges facts into what is known
// of a saga, in any order and any number of times with the same result, and write.go stores that in the transaction that
// also stores how far the log was read. Beside that, watch.go looks for topics, for the end of the log, and for services that
// have gone silent. What people see is made of it at the time of asking, in timeline.go and events.go.
//
// It may import internal/wire, internal/kafka and its own store; it knows no console and no engine.
// Start reading at model.go (what it tells), then projection.go (how a record changes that).
package tracker
