package main

import (
	"fmt"

	"github.com/skald-saga/skald/bench"
)

// benchLine tells where a bench is: a line per finished turn, and on a terminal one that moves.
type benchLine struct {
	*terminal
	drawn bool
}

func (l *benchLine) show(p bench.Progress) {
	what := fmt.Sprintf("%d of %d: %s, round %d, %s", p.Turn, p.Turns, p.Scenario, p.Round, p.Contestant)
	if p.Round == 0 {
		what = fmt.Sprintf("warming up: %s, %s", p.Scenario, p.Contestant)
	}
	if m := p.Measure; m != nil {
		if p.Round > 0 {
			l.clear()
			fmt.Fprintf(l.err, "%s: %.0f sagas/s, p50 %.1f ms, p99 %.1f ms\n", what, m.SagasPerSecond, m.P50, m.P99)
		}
		return
	}
	if !isTerminal(l.err) {
		return
	}
	if p.Of > 0 {
		what += fmt.Sprintf(": %d of %d sagas", min(p.Ended, p.Of), p.Of)
	}
	fmt.Fprintf(l.err, "\r\x1b[K%s", what)
	l.drawn = true
}

// clear leaves the terminal's line empty, for whatever comes next.
func (l *benchLine) clear() {
	if l.drawn {
		fmt.Fprint(l.err, "\r\x1b[K")
		l.drawn = false
	}
}
