package waterfall

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

type spanKind int

const (
	queued  spanKind = iota // the event waits for its service
	waiting                 // the step waits for its next attempt, or for what it needs
	stopped                 // a person is asked
	running
	failed
	rejected
	undoing
)

func (k spanKind) idle() bool { return k <= stopped }

// span is a piece of a saga's time in one service.
type span struct {
	kind     spanKind
	lane     int
	step     int
	undo     bool
	from, to time.Time
	open     bool // it goes on
	label    string
	title    string
}

// teller makes spans of steps, one after the other.
type teller struct {
	in    *Input
	lanes []Lane
	at    time.Time // up to where it has been told
	spans []span
	said  []string
	back  time.Duration // by how much times go back from one hop to the next, at most
}

func (t *teller) lane(service string) int {
	if service == "" {
		service = "a service unknown yet"
	}
	if i := slices.IndexFunc(t.lanes, func(l Lane) bool { return l.Service == service }); i >= 0 {
		return i
	}
	t.lanes = append(t.lanes, Lane{Service: service, Role: t.in.Roles[service], Line: (len(t.lanes) + 1) * laneHeight})
	return len(t.lanes) - 1
}

// step tells of one hop. What the log doesn't say is drawn as nothing, or up to where the next thing is known.
func (t *teller) step(i int, s tracker.Step) {
	begin := earliest(s.Queued, s.Accepted, s.Started)
	if begin.IsZero() {
		begin = t.at
	}
	if begin.IsZero() {
		t.lane(s.Service)
		return
	}
	if back := t.at.Sub(begin); !t.at.IsZero() && back > t.back {
		t.back = back
	}
	t.at = begin
	base := span{lane: t.lane(s.Service), step: i, undo: s.Undo}
	fails := t.failsOf(s)
	for k, f := range fails {
		from := s.Accepted
		if k > 0 {
			from = latest(fails[k-1].At, fails[k-1].Due)
		}
		if k == 0 {
			t.idle(base, queued, earliest(latest(from, begin), f.At))
		} else {
			t.idle(base, waiting, earliest(from, f.At))
		}
		t.work(base, failed, f.At, fmt.Sprintf("attempt %d", f.Number), fmt.Sprintf("attempt %d failed: %s", f.Number, firstLine(f.Error)))
	}
	t.last(base, s, fails)
	t.said = append(t.said, t.sentence(s, fails))
}

// last tells what became of the step after the attempts that failed.
func (t *teller) last(base span, s tracker.Step, fails []Attempt) {
	before := queued
	if len(fails) > 0 {
		before = waiting
	}
	switch s.State {
	case tracker.StepDone, tracker.StepTurned:
		end := latest(s.Finished, t.at)
		if s.State == tracker.StepTurned && s.Started.IsZero() {
			t.idle(base, stopped, end) // it was turned round while it waited
			return
		}
		t.idle(base, before, earliest(s.Started, end))
		switch took := words.Lasted(end.Sub(t.at)); {
		case s.State == tracker.StepTurned:
			t.work(base, rejected, end, took+", turned back", "turned back after "+took)
		case s.Undo:
			t.work(base, undoing, end, "undo "+took, "undone in "+took)
		default:
			t.work(base, running, end, took, s.Topic+" took "+took)
		}
	case tracker.StepRunning:
		t.idle(base, before, earliest(s.Started, t.in.Now))
		kind := running
		if s.Undo {
			kind = undoing
		}
		t.goesOn(base, kind, "running")
	case tracker.StepRetrying, tracker.StepWaiting:
		t.goesOn(base, waiting, "waits")
	case tracker.StepHalted, tracker.StepBlocked:
		t.goesOn(base, stopped, s.State)
	default:
		t.goesOn(base, queued, "waits to be taken")
	}
}

func (t *teller) idle(base span, kind spanKind, to time.Time) {
	if !to.After(t.at) {
		return
	}
	base.kind, base.from, base.to = kind, t.at, to
	base.title = "waited " + words.Lasted(to.Sub(t.at))
	t.spans, t.at = append(t.spans, base), to
}

func (t *teller) work(base span, kind spanKind, to time.Time, label, title string) {
	to = latest(to, t.at)
	base.kind, base.from, base.to, base.label, base.title = kind, t.at, to, label, title
	t.spans, t.at = append(t.spans, base), to
}

func (t *teller) goesOn(base span, kind spanKind, title string) {
	base.kind, base.from, base.to, base.open, base.title = kind, t.at, latest(t.in.Now, t.at), true, title
	t.spans, t.at = append(t.spans, base), base.to
}

// failsOf finds a step's failed attempts, in the order of time.
func (t *teller) failsOf(s tracker.Step) []Attempt {
	var found []Attempt
	for _, a := range t.in.Failed {
		if a.EventID == s.EventID && s.EventID != "" && !a.At.IsZero() {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b Attempt) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number)) })
	return found
}

func (t *teller) sentence(s tracker.Step, fails []Attempt) string {
	who := s.Service
	if who == "" {
		who = "nobody known"
	}
	what := "took " + s.Topic
	if s.Undo {
		what = "undid " + s.Topic
	}
	said := who + ": " + s.State
	if s.State == tracker.StepDone {
		said = who + " " + what
	}
	if !s.Started.IsZero() && s.Finished.After(s.Started) {
		said += " in " + words.Lasted(s.Finished.Sub(s.Started))
	}
	if n := len(fails); n > 0 {
		said += ", after " + words.Plural(n, "failed attempt")
	}
	return said + "."
}

func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func firstLine(s string) string {
	const most = 200
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
