package skald

import (
	"fmt"
	"time"
)

// RetryPolicy says how often a step is tried, and when again: exponential backoff with full jitter, so the delay after attempt n is
// anything from 0 to First*Factor^(n-1), but no more than Max. It holds for errors that say nothing else, panics and timeouts.
// See [RetryAfter], [Unavailable], [Poison] and [Reject] for errors that do.
//
// When all attempts have failed the event becomes a dead letter, and its saga is halted until somebody redrives or discards it.
type RetryPolicy struct {
	// Attempts is how many there are in all, from 1 (no retry) to 1000.
	Attempts int

	// First bounds the delay after the first attempt, from 0 to 30 days.
	First time.Duration

	// Factor is by what the bound grows with each attempt, from 1 to 100.
	Factor float64

	// Max bounds every delay, from First to 30 days.
	Max time.Duration
}

// DefaultRetry suits calls of mail servers and HTTP services: eight attempts over a minute or two.
var DefaultRetry = RetryPolicy{Attempts: 8, First: time.Second, Factor: 2, Max: 30 * time.Second}

// NoRetry makes a dead letter of the first failure.
var NoRetry = RetryPolicy{Attempts: 1, Factor: 1}

const (
	maxAttempts = 1000
	maxFactor   = 100
	maxBackoff  = 30 * 24 * time.Hour // a step that waits for longer wants a workflow of its own
	maxTimeout  = 24 * time.Hour
)

func (p RetryPolicy) check() error {
	switch {
	case p.Attempts < 1 || p.Attempts > maxAttempts:
		return fmt.Errorf("a retry policy of %d attempts: from 1 (no retry) to %d are allowed", p.Attempts, maxAttempts)
	case p.First < 0 || p.First > maxBackoff:
		return fmt.Errorf("a retry policy whose first delay is %v: from 0 to %v is allowed", p.First, maxBackoff)
	case p.Max < p.First || p.Max > maxBackoff:
		return fmt.Errorf("a retry policy whose longest delay is %v: from its first, %v, to %v is allowed", p.Max, p.First, maxBackoff)
	case !(p.Factor >= 1 && p.Factor <= maxFactor): // also refuses what is no number
		return fmt.Errorf("a retry policy whose delays grow by %v: a factor from 1 to %d is allowed", p.Factor, maxFactor)
	}
	return nil
}
