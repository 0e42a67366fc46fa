// Package tracker is the passive reader that turns the log into timelines: it follows the registry of services, reads the
// topics that they declare, and projects events, ledgers, dead letters and outcomes into SQL. If every tracker is lost, no
// saga notices.
//
// It may import internal/wire, internal/kafka and its own store; it knows no console and no engine.
// Start reading at model.go (what it tells), then projection.go (how a record changes that).
package tracker
