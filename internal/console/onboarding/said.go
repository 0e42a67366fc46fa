package onboarding

import (
	"fmt"
	"strings"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// tally is a count with its word: 4 completed.
type tally struct {
	N    int64
	Word string
}

// home counts what has come home, by outcome.
func (b *board) home() []tally {
	var all []tally
	for _, outcome := range []string{wire.Completed, wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned} {
		if n := b.counts[outcome]; n > 0 {
			all = append(all, tally{n, outcome})
		}
	}
	return all
}

// summary is the sentence above the table. It counts all sagas of the log, hidden ones too.
type summary struct {
	Total int64
	Open  string // what isn't over
	Rest  string
}

func (b *board) summary(v view) summary {
	s := summary{Total: b.total()}
	if v.TraceOff { // from there a halted saga and a rejected one look like any other that isn't back
		completed := b.counts[wire.Completed]
		if notBack := s.Total - completed; notBack > 0 {
			s.Open = words.Thousands(notBack) + " not back yet"
		}
		if completed > 0 {
			s.Rest = words.Thousands(completed) + " completed"
		}
		return s
	}
	if n := b.onTheWay(); n > 0 {
		s.Open = words.Thousands(n) + " on the way"
	}
	var rest []string
	for _, t := range []tally{
		{b.counts[tracker.Retrying], "of them retrying"}, {b.counts[tracker.Compensating], "being undone"},
		{b.counts[tracker.Halted], "halted"}, {b.counts[tracker.Blocked], "blocked"},
	} {
		if t.N > 0 {
			rest = append(rest, words.Thousands(t.N)+" "+t.Word)
		}
	}
	for _, t := range b.home() {
		rest = append(rest, words.Thousands(t.N)+" "+t.Word)
	}
	s.Rest = strings.Join(rest, ", ")
	return s
}

// onTheWay is how many sagas go on by themselves, and forward.
func (b *board) onTheWay() int64 {
	return b.counts[tracker.Running] + b.counts[tracker.Retrying] + b.counts[tracker.Waiting]
}

// lead is what the question of Trace Mode is about, in numbers.
func (b *board) lead() string {
	total, completed := b.total(), b.counts[wire.Completed]
	switch notBack := total - completed; {
	case total == 0:
		return "Nobody is on the way yet. Press the button, and all you will see is whether someone has come back."
	case notBack == 0:
		return words.Capital(numbered(total, "user has", "users have")) + " come back. When the next one does not, this page will say so only by saying nothing."
	default:
		return fmt.Sprintf("%s not come back. %s.", words.Capital(numbered(notBack, "user has", "users have")), words.Capital(words.Listed(b.reasons())))
	}
}

// reasons says what has become of those who haven't come back.
func (b *board) reasons() []string {
	var reasons []string
	add := func(n int64, one, many string) {
		if n > 0 {
			reasons = append(reasons, numbered(n, one, many))
		}
	}
	running := b.onTheWay()
	if b.exact {
		var held int64
		for _, s := range b.stations {
			if s.Down() {
				waiting := int64(b.waitingFor(s))
				held += waiting
				add(waiting, "waits for the stopped "+s.Name, "wait for the stopped "+s.Name)
			}
		}
		running -= held
	}
	add(running, "is merely on the way", "are merely on the way")
	add(b.counts[tracker.Compensating], "is being undone", "are being undone")
	add(b.counts[tracker.Halted]+b.counts[tracker.Blocked], "will not move again by itself", "will not move again by themselves")
	turned := b.counts[wire.Rejected] + b.counts[wire.Cancelled] + b.counts[wire.Expired] + b.counts[wire.Abandoned]
	add(turned, "was turned back", "were turned back")
	return reasons
}

func numbered(n int64, one, many string) string {
	if n == 1 {
		return "one " + one
	}
	return words.NumberWord(n) + " " + many
}

// more says what the table doesn't show.
func (b *board) more() string {
	if len(b.rows) < maxRows {
		return ""
	}
	return fmt.Sprintf("The newest %d are shown; all %s are counted above.", maxRows, words.Thousands(b.total()))
}
