// Package wire is what Skald writes on Kafka and reads back: the records, their headers and their topics.
//
// A saga's events are CloudEvents 1.0 in Kafka's binary content mode (CloudEvents Kafka protocol binding 1.0.2, section 3.2):
// the record's value is the payload, every attribute is a header with the prefix ce_. A client in any language takes part
// by carrying ce_sagaid, ce_workflow, ce_hop and ce_route on to what it produces.
//
// Besides events there are four records of Skald's own: ledger records (a service's log of unfinished work), outcomes (how
// a saga ended), letters (events a service gave up on) and announcements (what a service declares, and that it lives).
//
// The package knows bytes and headers, no broker and no clock: every other room may import it; it imports only the UUID library.
// Start reading at event.go, then names.go.
package wire
