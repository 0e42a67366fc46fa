// Package ledger is the memory of one partition of a service: which sagas it began and has not ended, which events it accepted
// and has not finished, and in which order they may run. It is a pure state machine: no I/O, no clock, no goroutine, nothing
// but the standard library, so that it can be simulated for millions of steps.
//
// The engine changes a ledger only inside a transaction: Open, Close, Park and so on take effect at once, so that what comes
// later in the batch sees them, and are listed as Changes for the log. Commit, told the offsets at which the changes
// came to lie, makes them final; Abort takes all of them back. Replay builds the same state from the log.
//
// The log is trimmed, not compacted. Fence is the offset of the oldest live entry: all before it can be deleted, and a
// replay begins there. Entries that hold the fence back for long are written again at the head (Rewrite).
//
// Start reading at ledger.go, then change.go.
package ledger
