package shell

import (
	"fmt"
	"math"
	"strconv"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Thread is a saga as the small picture that a list has of it: where it has been, where it is, what lies ahead, what was undone.
type Thread struct {
	Class             string // the saga's status
	Label             string
	Past, Back, Ahead string // SVG paths; empty for none
	Knots             []Knot
	At                string // x of the token; empty once the saga is over
}

// Knot is a hop of a [Thread].
type Knot struct {
	X     string
	Class string // "", back, ahead
}

const (
	threadFrom = 5.0
	threadTo   = 69.0
	mostKnots  = 9 // more of them would touch
)

// ThreadOf draws a saga. Hops is how many there are in all when nothing goes wrong, 0 if that isn't known: then one is drawn ahead.
func ThreadOf(s *tracker.Saga, hops int) Thread {
	t := thread{saga: s, out: Thread{Class: s.Status}}
	t.look()
	t.known = hops > 0
	if t.hops = max(hops, t.furthest+1); !t.known && s.Outcome == "" {
		t.hops++
	}
	if s.Outcome == wire.Completed {
		t.hops = t.furthest + 1
	}
	t.hops = max(t.hops, 2)
	t.strands()
	t.knots()
	t.label()
	return t.out
}

// thread is one that is being drawn. Places are hops on the way out, counted from 0.
type thread struct {
	saga     *tracker.Saga
	out      Thread
	hops     int
	known    bool
	furthest int // where the way out ended, or is
	back     int // how far it was undone; furthest if nothing was
	at       int // where the token is; -1 if nobody knows or it's over
	who      string
}

func (t *thread) look() {
	places := map[string]int{} // of input topics
	for _, step := range t.saga.Steps {
		if !step.Undo {
			places[step.Topic] = step.Hop
			t.furthest = max(t.furthest, step.Hop)
		}
	}
	t.back = t.furthest
	for _, step := range t.saga.Steps {
		if place, ok := places[step.Topic]; ok && step.Undo {
			t.back = min(t.back, place)
		}
	}
	t.at = -1
	current, ok := t.saga.Current()
	switch place, known := places[current.Topic]; {
	case !ok:
	case !current.Undo:
		t.at, t.who = current.Hop, current.Service
	case known:
		t.at, t.who = place, current.Service
	}
}

func (t *thread) strands() {
	line := func(from, to int) string {
		if from == to {
			return ""
		}
		return "M" + t.x(from) + " 8H" + t.x(to)
	}
	t.out.Past = line(0, t.back)
	t.out.Back = line(t.furthest, t.back)
	t.out.Ahead = line(t.furthest, t.hops-1)
	if t.at >= 0 {
		t.out.At = t.x(t.at)
	}
}

func (t *thread) knots() {
	if t.hops > mostKnots {
		return
	}
	for place := range t.hops {
		k := Knot{X: t.x(place)}
		switch {
		case place == t.at:
			continue
		case place > t.furthest:
			k.Class = "ahead"
		case t.back < t.furthest && place >= t.back:
			k.Class = "back"
		}
		t.out.Knots = append(t.out.Knots, k)
	}
}

// label says the same in words.
func (t *thread) label() {
	done := func(n int) string {
		if t.known {
			return fmt.Sprintf("%d of %s", n, words.Plural(t.hops, "hop"))
		}
		return words.Plural(n, "hop")
	}
	who := t.who
	if who == "" {
		who = "nobody that is known"
	}
	switch {
	case t.saga.Outcome == wire.Completed:
		t.out.Label = "came home after " + words.Plural(t.hops, "hop")
	case t.saga.Outcome != "":
		t.out.Label = "ended after " + done(t.furthest)
	case t.back < t.furthest || t.saga.Status == tracker.Compensating:
		t.out.Label = "on the way back, at " + who
	case t.at < 0:
		t.out.Label = "between two services, " + done(t.furthest+1) + " done"
	default:
		t.out.Label = "at " + who + ", " + done(t.at) + " done"
	}
}

func (t *thread) x(place int) string {
	x := threadFrom + (threadTo-threadFrom)*float64(place)/float64(t.hops-1)
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}
