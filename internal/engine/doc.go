// Package engine runs a service's steps against Kafka: it turns polled records into handler calls and their results into
// exactly-once transactions.
//
// One Session has one transaction at a time and one loop (loop.go): collect what is there, start handlers, wait for them a
// short while, park in the ledger what still runs, write everything that came of the batch in one transaction. Everything
// in a session belongs to the loop's goroutine, but for two mailboxes: what handlers finished (executions.go) and what
// the consumer group assigned or took away (assignment.go).
//
// A record's way: intake.go says what it is, batch.go in which lane it waits, executions.go runs the handler, conclude.go
// turns the result into records, transact.go commits them. restore.go builds the ledgers of newly assigned partitions.
//
// It may import internal/wire, internal/ledger, internal/kafka, internal/call, franz-go and the metrics client.
package engine
