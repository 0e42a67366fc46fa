package topology

import (
	"math"
	"slices"
	"strconv"
)

// Arc is half of one or more ways: from a service to a topic, or from a topic to a service. The other end is "".
type Arc struct {
	From, Topic, To string
	Ways            []*Way
	D               string // path
	Arrow           string // path of its head
}

// Takes says whether a workflow's events go along it.
func (a *Arc) Takes(workflow string) bool {
	return slices.ContainsFunc(a.Ways, func(w *Way) bool { return w.Takes(workflow) })
}

// Watches says whether all that it leads to reads along.
func (a *Arc) Watches() bool {
	return a.To != "" && !slices.ContainsFunc(a.Ways, func(w *Way) bool { return w.Role != Watch })
}

// Odd says whether nobody has declared it.
func (a *Arc) Odd() bool {
	return !slices.ContainsFunc(a.Ways, func(w *Way) bool { return w.Declared })
}

// route draws the arcs.
func (l *layout) route() {
	arcs := map[[3]string]*Arc{}
	var order [][3]string
	see := func(key [3]string, w *Way) {
		if arcs[key] == nil {
			arcs[key] = &Arc{From: key[0], Topic: key[1], To: key[2]}
			order = append(order, key)
		}
		arcs[key].Ways = append(arcs[key].Ways, w)
	}
	for i := range l.Ways {
		w := &l.Ways[i]
		if w.From != "" {
			see([3]string{w.From, w.Topic, ""}, w)
		}
		if w.To != "" {
			see([3]string{"", w.Topic, w.To}, w)
		}
	}
	for _, t := range l.Topics { // those that are read and never written
		if s, ok := l.spots[t.Name]; ok && s.seat == above && arcs[[3]string{"", t.Name, s.service}] == nil {
			key := [3]string{"", t.Name, s.service}
			arcs[key] = &Arc{Topic: t.Name, To: s.service}
			order = append(order, key)
		}
	}
	for _, key := range order {
		a := arcs[key]
		var p pen
		if a.From != "" {
			l.leave(&p, a)
		} else {
			l.arrive(&p, a)
		}
		a.D, a.Arrow = p.d, p.head()
		l.out.Arcs = append(l.out.Arcs, *a)
	}
}

// leave draws from a service to a topic.
func (l *layout) leave(p *pen, a *Arc) {
	i, pill, left := l.at[a.From], l.pills[a.Topic], l.lefts[l.column[a.From]]
	right := left + boxWidth
	switch s := l.spots[a.Topic]; {
	case s.seat == below && s.service == a.From:
		stem := right - 14
		p.move(stem, i.y+boxHeight)
		p.down(stem, pill.Y, pill.X+pill.Width/2)
	case s.seat == ahead && l.column[a.From] < s.gap:
		p.move(right, i.middle())
		for c := l.column[a.From] + 1; c < s.gap; c++ {
			l.pass(p, wireKey(a.Topic, a.From, c), c)
		}
		p.curve(pill.X-pill.Width/2, pill.Y)
	case s.seat == behind && l.lowest(a.From):
		x := left + boxWidth*l.side(a.From, .72)
		p.move(x, i.y+boxHeight)
		p.down(x, pill.Y, pill.X+math.Copysign(pill.Width/2, x-pill.X))
	case s.seat == ahead: // back to a topic before: along a lane of its own and up beside its readers
		lane, up := l.laneY(a.Topic), l.lefts[s.gap]-16-7*float64(l.track(a.Topic))
		p.move(right, i.middle())
		p.turn(right+16+7*float64(l.track(a.Topic)), i.middle(), right+16+7*float64(l.track(a.Topic)), lane)
		p.turn(right+16+7*float64(l.track(a.Topic)), lane, up, lane)
		p.turn(up, lane, up, pill.Y)
		p.turn(up, pill.Y, pill.X+pill.Width/2, pill.Y)
		p.line(pill.X+pill.Width/2, pill.Y)
	default:
		x := right + 16 + 7*float64(l.track(a.Topic))
		p.move(right, i.middle())
		p.around(x, pill.Y, pill.X+math.Copysign(pill.Width/2, x-pill.X))
	}
}

// arrive draws from a topic to a service.
func (l *layout) arrive(p *pen, a *Arc) {
	i, pill, left := l.at[a.To], l.pills[a.Topic], l.lefts[l.column[a.To]]
	switch s := l.spots[a.Topic]; {
	case s.seat == above && s.service == a.To && len(i.above) == 1:
		p.move(pill.X, pill.Y+pill.Height/2)
		p.line(pill.X, i.y)
	case s.seat == above && s.service == a.To:
		stem := left + boxWidth - 14
		p.move(pill.X+pill.Width/2, pill.Y)
		p.into(stem, i.y)
	case s.seat == ahead && l.column[a.To] >= s.gap:
		p.move(pill.X+pill.Width/2, pill.Y)
		for c := s.gap; c < l.column[a.To]; c++ {
			l.pass(p, wireKey(a.Topic, "", c), c)
		}
		p.curve(left, i.middle())
	case s.seat == behind && l.lowest(a.To):
		x := left + boxWidth*l.side(a.To, .28)
		p.move(pill.X+math.Copysign(pill.Width/2, x-pill.X), pill.Y)
		p.into(x, i.y+boxHeight)
	default:
		x := left - 16 - 7*float64(l.track(a.Topic))
		p.move(pill.X+math.Copysign(pill.Width/2, x-pill.X), pill.Y)
		p.home(x, left, i.middle())
	}
}

// pass goes through a column beside its services.
func (l *layout) pass(p *pen, key string, column int) {
	y := l.at[key].middle()
	p.curve(l.lefts[column], y)
	p.line(l.lefts[column]+boxWidth, y)
}

// lowest says whether nothing stands below a service.
func (l *layout) lowest(service string) bool {
	items := l.items[l.column[service]]
	return items[len(items)-1].service == service && len(l.at[service].below) == 0
}

// side is where lines touch the bottom of a service: in the middle, unless they come and go there.
func (l *layout) side(service string, both float64) float64 {
	comes, goes := false, false
	for _, w := range l.Ways {
		if l.spots[w.Topic].seat == behind {
			comes, goes = comes || w.To == service, goes || w.From == service
		}
	}
	if comes && goes {
		return both
	}
	return .5
}

// laneY is the height of a topic's lane.
func (l *layout) laneY(topic string) float64 {
	return l.bottom + laneHeight*float64(slices.Index(l.lanes, topic)) + pillHeight/2
}

// track keeps lines of neighbouring lanes apart.
func (l *layout) track(topic string) int { return max(slices.Index(l.lanes, topic), 0) % 4 }

// pen draws a path and knows where it goes to at its end.
type pen struct {
	d                string
	x, y             float64
	towardX, towardY float64
}

func (p *pen) move(x, y float64) { p.d, p.x, p.y = "M"+pair(x, y), x, y }

func (p *pen) line(x, y float64) {
	p.towardX, p.towardY = sign(x-p.x), sign(y-p.y)
	p.d, p.x, p.y = p.d+"L"+pair(x, y), x, y
}

// curve goes level at both ends.
func (p *pen) curve(x, y float64) {
	if math.Abs(y-p.y) < 1 {
		p.line(x, y)
		return
	}
	middle := (p.x + x) / 2
	p.bend(middle, p.y, middle, y, x, y)
	p.towardX, p.towardY = 1, 0
}

func (p *pen) bend(x1, y1, x2, y2, x, y float64) {
	p.d += "C" + pair(x1, y1) + " " + pair(x2, y2) + " " + pair(x, y)
	p.x, p.y = x, y
}

// turn takes a corner round: towards (x, y) and then on towards (toX, toY).
func (p *pen) turn(x, y, toX, toY float64) {
	r := min(40, math.Hypot(x-p.x, y-p.y), math.Hypot(toX-x, toY-y))
	before := func(fromX, fromY float64) (float64, float64) {
		d := math.Hypot(fromX-x, fromY-y)
		if d == 0 {
			return x, y
		}
		return x + (fromX-x)*r/d, y + (fromY-y)*r/d
	}
	ax, ay := before(p.x, p.y)
	bx, by := before(toX, toY)
	p.line(ax, ay)
	const round = .55 // a quarter of a circle by a cubic curve
	p.bend(ax+(x-ax)*round, ay+(y-ay)*round, bx+(x-bx)*round, by+(y-by)*round, bx, by)
}

// down goes straight down and then level to x.
func (p *pen) down(stem, y, x float64) {
	p.turn(stem, y, x, y)
	p.line(x, y)
}

// into goes level and then up or down to y.
func (p *pen) into(x, y float64) {
	p.turn(x, p.y, x, y)
	p.line(x, y)
}

// around goes to the right, along a corridor, and then level to a topic.
func (p *pen) around(corridor, y, x float64) {
	p.turn(corridor, p.y, corridor, y)
	p.turn(corridor, y, x, y)
	p.line(x, y)
}

// home goes level to a corridor, along it, and to the right into a service.
func (p *pen) home(corridor, x, y float64) {
	p.turn(corridor, p.y, corridor, y)
	p.turn(corridor, y, x, y)
	p.line(x, y)
}

// head is an arrow's, at the end of the path.
func (p *pen) head() string {
	tip := func(back, aside float64) string {
		return pair(p.x-p.towardX*back-p.towardY*aside, p.y-p.towardY*back+p.towardX*aside)
	}
	return "M" + tip(8, -5) + "L" + tip(1, 0) + "L" + tip(8, 5)
}

func sign(v float64) float64 {
	switch {
	case v > .05:
		return 1
	case v < -.05:
		return -1
	}
	return 0
}

func pair(x, y float64) string { return number(x) + " " + number(y) }

func number(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
