package shell

import (
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// Freshness is how far behind the log what one sees is.
type Freshness struct {
	Class    string // "", late, off
	Sentence string
	Joined   string // how many changes are joined into how many updates; empty while each is shown
}

// freshness says that, and since when the broker doesn't answer; empty while it does.
func (s *Shell) freshness(now time.Time) (f Freshness, silent string) {
	lag := s.b.Tracker.Lag()
	return freshnessOf(lag), unreachable(lag, s.b.Broker, now)
}

func freshnessOf(lag tracker.Lag) Freshness {
	switch {
	case !lag.Reachable:
		return Freshness{Class: "off", Sentence: "No answer from the broker"}
	case lag.Age > time.Second:
		return Freshness{Class: "late", Sentence: fmt.Sprintf("Live, %s behind the log", plainSeconds(lag.Age))}
	default:
		return Freshness{Sentence: fmt.Sprintf("Live, %.1f s behind the log", lag.Age.Seconds())}
	}
}

func plainSeconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return words.Lasted(d)
}

// grace is how long the broker may be silent before a banner says so: the tracker's first contact takes a moment.
const grace = 2 * time.Second

func unreachable(lag tracker.Lag, broker string, now time.Time) string {
	if lag.Reachable || now.Sub(lag.Since) < grace {
		return ""
	}
	if broker == "" {
		broker = "the broker"
	}
	if lag.Since.IsZero() {
		return "No answer from " + broker + "."
	}
	return "No answer from " + broker + " since " + words.TimeOfDay(lag.Since) + "."
}
