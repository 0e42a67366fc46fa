// Package saga is the protocol of a saga: what a service has to do about a record, a handler's result, a command or a point in time,
// given the ledger of the record's partition. It decides and does nothing: no I/O, no clock, no goroutine. Time and chance are given to
// it; what comes of it are values, namely records to write (Out) and the ledger's Changes, which belong into one transaction.
//
// The engine feeds it from Kafka and carries out what it says. The simulator (in the package's tests) runs the very same code over a
// model of the log for millions of steps.
//
// A [Machine] is what a service is made of. A [Batch] is what one transaction is made of:
//
//	Add       each polled record: run, forward, refuse, pass, or a command
//	Resume    work that lies in the ledgers and may run now
//	Begin     the handlers that may start
//	Finished  the result of a handler: outputs, another attempt, a dead letter, or the token turns round
//	Settle    what hasn't finished is parked; then commands; then what time brings
//
// So within one batch completion comes before cancellation, and cancellation before a deadline.
//
// It imports ledger, wire and call. Start reading at machine.go, then batch.go, conclude.go, turn.go.
package saga
