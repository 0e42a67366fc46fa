package waterfall

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
)

// A wait longer than this share of the chart is cut out; one that still goes on may have more of it.
const (
	longWait     = 1.0 / 3
	longOpenWait = 1.0 / 2
	cutShare     = .07 // of the rest: how wide a cut-out wait is
	mostTicks    = 6
)

// scale places times. It is true but for what is cut out.
type scale struct {
	start time.Time
	total time.Duration // as shown
	width float64       // per cent that total is wide
	cuts  []cut         // in order, apart
}

type cut struct {
	from, to time.Time
	shown    time.Duration
	lane     int
}

func newScale(spans []span, width float64) *scale {
	s := &scale{width: width}
	var end time.Time
	for _, p := range spans {
		s.start, end = earliest(s.start, p.from), latest(end, p.to)
	}
	rest := end.Sub(s.start)
	waits := slices.DeleteFunc(slices.Clone(spans), func(p span) bool { return !p.kind.idle() })
	slices.SortStableFunc(waits, func(a, b span) int { return cmp.Compare(b.to.Sub(b.from), a.to.Sub(a.from)) })
	for _, w := range waits {
		limit := longWait
		if w.open {
			limit = longOpenWait
		}
		long := w.to.Sub(w.from)
		if float64(long) <= limit*float64(rest) || s.overlaps(w) {
			continue
		}
		s.cuts = append(s.cuts, cut{from: w.from, to: w.to, lane: w.lane})
		rest -= long
	}
	rest = max(rest, time.Millisecond)
	s.total = rest
	for i := range s.cuts {
		s.cuts[i].shown = min(time.Duration(cutShare*float64(rest))+1, s.cuts[i].to.Sub(s.cuts[i].from))
		s.total += s.cuts[i].shown
	}
	slices.SortFunc(s.cuts, func(a, b cut) int { return a.from.Compare(b.from) })
	return s
}

func (s *scale) overlaps(w span) bool { // only where clocks disagree
	return slices.ContainsFunc(s.cuts, func(c cut) bool { return w.from.Before(c.to) && c.from.Before(w.to) })
}

// at places a time.
func (s *scale) at(t time.Time) Percent {
	shown := t.Sub(s.start)
	for _, c := range s.cuts {
		long := c.to.Sub(c.from)
		switch {
		case !t.After(c.from):
		case !t.Before(c.to):
			shown -= long - c.shown
		default:
			in := t.Sub(c.from)
			shown -= in - time.Duration(float64(in)*float64(c.shown)/float64(long))
		}
	}
	return Percent(min(s.width, max(0, s.width*float64(shown)/float64(s.total))))
}

// cutMarks marks what is cut out; a label ends before the line of now, which stands where the scale ends.
func (s *scale) cutMarks() []Cut {
	marks := make([]Cut, 0, len(s.cuts))
	for _, c := range s.cuts {
		x, y, label := (s.at(c.from)+s.at(c.to))/2, laneY(c.lane), words.Lasted(c.to.Sub(c.from))
		half := Percent(character * float64(len([]rune(label))) / 2)
		marks = append(marks, Cut{X: x, Y: y, Label: label, LabelX: max(half, min(x, Percent(s.width)-half)), LabelY: y + 20})
	}
	return marks
}

// ticks marks round times since the start, where nothing is cut out.
func (s *scale) ticks() []Tick {
	step := roundStep(s.total / mostTicks)
	ticks := []Tick{{Label: "0 s", First: true}}
	last := Percent(0)
	end := s.start.Add(s.total)
	for _, c := range s.cuts {
		end = end.Add(c.to.Sub(c.from) - c.shown)
	}
	const enough = 1000 // beyond it times overlap what is cut out, as clocks disagree
	for n, after := 0, step; n < enough; n, after = n+1, after+step {
		t := s.start.Add(after)
		if i := slices.IndexFunc(s.cuts, func(c cut) bool { return !t.Before(c.from) && t.Before(c.to) }); i >= 0 {
			after = s.cuts[i].to.Sub(s.start).Truncate(step)
			continue
		}
		if t.After(end) || len(ticks) > 3*mostTicks {
			return ticks
		}
		if x := s.at(t); x-last > 6 && x < Percent(s.width)-3 {
			ticks, last = append(ticks, Tick{X: x, Label: "+" + roundWords(after)}), x
		}
	}
	return ticks
}

// roundStep is the next greater round duration.
func roundStep(d time.Duration) time.Duration {
	for unit := time.Millisecond; unit < time.Minute; unit *= 10 {
		for _, round := range []time.Duration{unit, 2 * unit, 5 * unit} {
			if round >= d && round <= 20*time.Second {
				return round
			}
		}
	}
	for _, round := range []time.Duration{
		30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if round >= d {
			return round
		}
	}
	const day = 24 * time.Hour
	return d.Truncate(day) + day
}

func roundWords(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 2*time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	case d%time.Minute != 0: // behind a wait that is cut out
		seconds := strconv.FormatFloat((d % time.Minute).Seconds(), 'f', -1, 64)
		if d%time.Minute < 10*time.Second {
			seconds = "0" + seconds
		}
		return fmt.Sprintf("%d:%02d:%s", int(d.Hours()), int(d.Minutes())%60, seconds)
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}
