package saga

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// act is a button that opens the dialog of the saga's actions, or says why it can't.
type act struct {
	Label, Icon string
	Danger      bool
	Refused     string // why there is nothing to press
}

func actsOf(s *tracker.Saga) []act {
	if s.Outcome != "" {
		return nil
	}
	step, _ := s.Current()
	redrive := act{Label: "Redrive…", Icon: "onward"}
	switch {
	case step.State == tracker.StepHalted && step.Letter != nil:
	case step.State == tracker.StepRetrying:
		redrive.Refused = "There is no dead letter to redrive: the step is tried again by itself"
	default:
		redrive.Refused = "There is no dead letter to redrive"
	}
	acts := []act{redrive}
	switch {
	case step.State == tracker.StepBlocked && step.Undo:
		acts = append(acts, act{Label: "Unblock…"})
	case s.Status == tracker.Compensating || s.Ending != "":
		acts = append(acts, act{Label: "Abandon…", Danger: true})
	default:
		acts = append(acts, act{Label: "Cancel…", Danger: true})
	}
	return acts
}

// ring is the saga as a loop that leaves its initiator and comes home.
type ring struct {
	Words  string
	Still  bool // it goes no further
	Past   string
	Ahead  string
	Back   string
	Knots  []dot
	At     dot
	Closed bool
}

type dot struct{ X, Y string }

const ringTurn = 2 * math.Pi

func ringAt(share, radius float64) dot {
	angle := math.Pi + ringTurn*share
	return dot{ringNumber(30 + radius*math.Cos(angle)), ringNumber(30 + radius*math.Sin(angle))}
}

func ringNumber(f float64) string { return strconv.FormatFloat(math.Round(10*f)/10, 'f', -1, 64) }

// ringArc goes round from one share to another, the short way of drawing it in two halves.
func ringArc(from, to, radius float64, sweep int) string {
	a, m, b := ringAt(from, radius), ringAt((from+to)/2, radius), ringAt(to, radius)
	r := ringNumber(radius)
	return fmt.Sprintf("M%s %sA%s %s 0 0 %d %s %sA%s %s 0 0 %d %s %s", a.X, a.Y, r, r, sweep, m.X, m.Y, r, r, sweep, b.X, b.Y)
}

// ringHead is the head of an arrow that comes to a share against the clock.
func ringHead(share, radius float64) string {
	tip, inner, outer := ringAt(share, radius), ringAt(share+.045, radius-4.5), ringAt(share+.035, radius+4.5)
	return fmt.Sprintf("M%s %sL%s %sL%s %s", inner.X, inner.Y, tip.X, tip.Y, outer.X, outer.Y)
}

func ringOf(s *story) ring {
	forward, back := 0, 0
	for _, step := range s.saga.Steps {
		switch {
		case step.Undo:
			back++
		case step.State == tracker.StepDone:
			forward++
		}
	}
	total := s.hops()
	r := ring{Words: s.progress()}
	if s.saga.Outcome == wire.Completed {
		r.Closed, r.Past, r.At = true, ringArc(0, 1, 24, 1), ringAt(0, 24)
		return r
	}
	share := float64(min(forward, total)) / float64(max(1, total))
	if share >= 1 {
		share = .9 // the last one is still to come, or nothing is known of what is
	}
	r.At = ringAt(share, 24)
	r.Still = back > 0 || s.saga.Outcome != "" || s.saga.Status == tracker.Halted
	if share > 0 {
		r.Past = ringArc(0, share, 24, 1)
	}
	r.Ahead = ringArc(share, 1, 24, 1)
	if back > 0 && share > 0 {
		left := 0.0
		if s.saga.Outcome == "" {
			left = share * float64(s.saga.ToUndo) / float64(max(1, s.saga.ToUndo+len(s.saga.Undone)))
		}
		r.Back = ringArc(share, left, 18.5, 0) + ringHead(left, 18.5)
	}
	const mostKnots = 24
	for i := 0; i < forward && total <= mostKnots && !r.Still; i++ {
		r.Knots = append(r.Knots, ringAt(float64(i)/float64(total), 24))
	}
	return r
}

// hops is how many the way out has: those that were made and those that are declared to come.
func (s *story) hops() int {
	n, last := 0, ""
	for _, step := range s.saga.Steps {
		if !step.Undo {
			n, last = n+1, step.Topic
		}
	}
	if s.saga.Outcome == wire.Completed || last == "" {
		return n
	}
	return n + len(s.ahead(last))
}

// progress says how many hops are done.
func (s *story) progress() string {
	done, back := 0, 0
	for _, step := range s.saga.Steps {
		switch {
		case step.State != tracker.StepDone && step.State != tracker.StepTurned:
		case step.Undo:
			back++
		default:
			done++
		}
	}
	_, known := s.begins()
	switch {
	case back > 0 || s.turned():
		return fmt.Sprintf("%d forward, %d back", done, back)
	case known || s.saga.Outcome == wire.Completed:
		return fmt.Sprintf("%d of %d done", done, s.hops())
	}
	return words.Thousands(done) + " done"
}

// facts are what one looks for first.
func (s *story) facts(now time.Time) []shell.Fact {
	saga := &s.saga
	facts := []shell.Fact{{Label: "Begun", Value: clock(saga.Started, now)}}
	if saga.Outcome == "" {
		facts[0].Since = saga.Started
	}
	switch deadline := saga.Deadline; {
	case saga.Outcome != "":
		ended := shell.Fact{Label: "Ended", Value: clock(saga.Ended, now)}
		if !saga.Started.IsZero() && !saga.Ended.IsZero() {
			ended.Aside = "after " + words.Lasted(saga.Ended.Sub(saga.Started))
		}
		facts = append(facts, ended, shell.Fact{Label: "Outcome", Value: saga.Outcome})
	case deadline.IsZero():
		facts = append(facts, shell.Fact{Label: "Deadline", Value: "–"})
	case now.After(deadline):
		facts = append(facts, shell.Fact{Label: "Deadline", Value: "passed", Since: deadline})
	default:
		f := shell.Fact{Label: "Deadline", Due: deadline, Title: clock(deadline, now)}
		if begin, ok := s.begins(); ok {
			f.Aside = map[bool]string{true: "then undone", false: "then overdue"}[begin.OnDeadline == wire.DeadlineExpires]
		}
		facts = append(facts, f)
	}
	facts = append(facts, shell.Fact{Label: "Hops", Value: s.progress()}, s.attempts())
	if saga.Outcome == "" {
		slip := shell.Fact{Label: "Undo slip", Value: "–"}
		if stops, known := s.slip(); known {
			slip.Value = words.Plural(len(effective(stops)), "step")
		}
		facts = append(facts, slip)
	}
	partition, trace := shell.Fact{Label: "Partition", Value: "–"}, shell.Fact{Label: "Trace", Value: "–"}
	for i := range s.events {
		e := &s.events[i]
		if !plain(e) {
			continue
		}
		if partition.Value == "–" {
			partition.Value = strconv.Itoa(int(e.Partition))
		}
		if parts := strings.Split(header(e, wire.HeaderTraceParent), "-"); len(parts) == 4 && len(parts[1]) == 32 && trace.Value == "–" {
			trace.Value, trace.Title, trace.Mono = printable(parts[1][:8])+"…", printable(parts[1]), true
		}
	}
	return append(facts, partition, trace)
}

func (s *story) attempts() shell.Fact {
	n := 0
	for _, step := range s.saga.Steps {
		n += step.Attempt
	}
	f := shell.Fact{Label: "Attempts", Value: words.Thousands(n)}
	if failed := len(s.failed()); failed > 0 {
		f.Aside = words.Thousands(failed) + " failed"
	}
	return f
}

// clock is a time of the log for people; the day as well, if it isn't today.
func clock(t, now time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t, now = t.Local(), now.Local() //nolint:gosmopolitan // a person reads it, beside the server
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return t.Format("2 Jan 2006, 15:04:05")
	}
	return t.Format("15:04:05.000")
}

func count(n int) string { return strconv.Itoa(n) }

func number(s string) int {
	n, _ := strconv.Atoi(s) // what anybody may have written
	return n
}
