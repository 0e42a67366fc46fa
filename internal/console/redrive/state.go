package redrive

import (
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// What a run does with letters.
const (
	Redrive = "redrive" // gives them back
	Discard = "discard" // gives them up: their sagas are undone and end as abandoned
)

// How a run is.
const (
	Canary    = "canary"    // one letter was given back, and the rest waits for its outcome
	Running   = "running"   // letters are being asked for
	Paused    = "paused"    // none is asked for until somebody says so: Why says who paused it, if it was the run itself
	Following = "following" // all were asked for, and not all outcomes are known
	Done      = "done"      // all outcomes are known
	Stopped   = "stopped"   // no more letters are asked for: Why says why, if it was the run itself
)

// Bounds of a run.
const (
	DefaultRate = 20   // letters a second
	MaxRate     = 1000 // letters a second
	MaxLetters  = 100_000
	// MostAgain is the share of known outcomes that may be another dead letter, in per cent; above it a run stops by itself.
	MostAgain = 5
)

// Options say what a run is to do.
type Options struct {
	Kind   string // Redrive or Discard
	Reason string // kept with the sagas
	By     string // who asks
	Limit  int    // only so many, the oldest; 0 is all, at most MaxLetters
	Canary bool   // one first; the rest once its saga has completed, and not at all if it hasn't
	Rate   int    // letters a second, 1 to MaxRate; 0 is DefaultRate
}

// State is a run as it is now.
type State struct {
	Options
	Cause   string
	About   tracker.Cause // as it was when the run began
	Phase   string
	Why     string
	Started time.Time
	Ended   time.Time // since when no more letters are asked for; zero before

	Letters    int64 // how many it is to ask for
	Requested  int64 // asked for so far: the sum of the three below
	Accepted   int64 // the service has taken them
	Refused    int64 // the service has said why not
	Unanswered int64 // in the service's inbox; it takes them as soon as it runs

	// What has become of those that it has taken.
	Completed int64 // their sagas have completed
	Again     int64 // a newer letter has taken their place
	Otherwise int64 // their sagas have ended otherwise

	Refusals []string // why, at most ten
	First    *Letter  // the canary, or the one letter that was asked for before the others
}

// Letter is one that is followed by itself.
type Letter struct {
	Partition     int32
	Offset        int64
	Saga, Subject string
	Asked         time.Time
	Status        string // as the tracker's letter has it
	Known         time.Time
}

// Known is of how many the outcome is known.
func (s State) Known() int64 { return s.Completed + s.Again + s.Otherwise }

// Asking says whether more letters may be asked for without a new run.
func (s State) Asking() bool {
	return s.Phase == Canary || s.Phase == Running || s.Phase == Paused
}

// Left is how many are still to be asked for.
func (s State) Left() int64 { return max(0, s.Letters-s.Requested) }
