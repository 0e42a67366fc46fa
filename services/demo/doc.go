// Package demo is what `skald up` puts around the shipped services so that there is something to see: lag and failures, new hires to
// onboard, and stores in memory.
//
// Lag and failures come from outside: [Faults] wraps a service's handlers, which know nothing of it. That is also how a test may
// slow down or break a service of its own.
//
// The package imports Skald, the contracts and a SQLite driver. Start reading at [Faults]; hires.go and store.go stand for themselves.
package demo
