package waterfall

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	leastBar    = .45 // per cent, so that it can be seen
	character   = .72 // per cent that a label's character is wide, at most, on a chart as wide as pages usually have
	columnWidth = 84  // pixels of a bar, where each has the same width
	usualWidth  = 900 // pixels that a page has for a chart
)

// Draw makes a chart of a saga.
func Draw(in Input) *Chart {
	t := &teller{in: &in}
	steps := in.Saga.Steps
	c := &Chart{Left: max(0, len(steps)-mostSteps)}
	for i, s := range steps[c.Left:] {
		t.step(c.Left+i, s)
	}
	for _, a := range in.Ahead {
		t.lane(a.Service)
	}
	c.Lanes, c.Height = t.lanes, len(t.lanes)*laneHeight
	c.Full = c.Height + footHeight
	c.Words = strings.Join(t.said[:min(len(t.said), 40)], " ")
	if t.back >= timeWarp {
		c.Note = "Times go back by " + words.Lasted(t.back) + " from one service to the next: their clocks differ."
	}
	p := &pen{c: c, in: &in, rests: make([]Percent, len(t.lanes))}
	p.past(t.spans)
	p.future()
	p.legend(t.spans)
	return c
}

// timeWarp is by how much times may go back before that is worth a word.
const timeWarp = 50 * time.Millisecond

// pen draws.
type pen struct {
	c     *Chart
	in    *Input
	rests []Percent // of each lane, where the last label ends
	path  strings.Builder
	class string
	x     Percent // where the thread is
	lane  int
	begun bool
}

func (p *pen) past(spans []span) {
	p.c.Future = 100
	over := p.in.Saga.Outcome != ""
	switch n := len(p.in.Ahead); {
	case over:
	case n > 0:
		p.c.Future = Percent(100 - min(44, 9+10*n))
	default:
		p.c.Future = 92
	}
	p.c.Now = !over && len(spans) > 0
	width := float64(p.c.Future)
	if over {
		width = 94 // room for how it ended
	}
	if len(spans) == 0 {
		return
	}
	var from, to []Percent
	if p.in.Steps {
		var wide float64
		from, to, wide = columns(spans, width)
		if need := int(wide * columnWidth * 100 / width); need > usualWidth {
			p.c.Width = need
		}
	} else {
		s := newScale(spans, width)
		p.c.Since, p.c.Cuts, p.c.Ticks = s.start, s.cutMarks(), s.ticks()
		for _, span := range spans {
			from, to = append(from, s.at(span.from)), append(to, s.at(span.to))
		}
	}
	if p.c.Since.IsZero() {
		p.c.Since = spans[0].from
	}
	for i, span := range spans {
		p.span(span, from[i], to[i])
	}
	p.end(spans[len(spans)-1], to[len(to)-1], over)
}

// columns gives each bar the same width, and each wait a part of it; total is how many bars would be as wide as all.
func columns(spans []span, width float64) (from, to []Percent, total float64) {
	weight := func(s span) float64 {
		switch {
		case s.kind == queued && !s.open:
			return .3
		case s.kind.idle():
			return .6
		}
		return 1
	}
	for _, s := range spans {
		total += weight(s)
	}
	at := 0.0
	for _, s := range spans {
		next := at + width*weight(s)/total
		from, to = append(from, Percent(at)), append(to, Percent(next))
		at = next
	}
	return from, to, total
}

func (p *pen) span(s span, from, to Percent) {
	p.threadTo(s, from, to)
	y := laneY(s.lane)
	bar := Bar{X: from, W: max(to-from, leastBar), Y: y - 8, H: 16, Title: s.title, CapY: y, LabelX: from, LabelY: y - 14}
	switch s.kind {
	case queued:
		bar.Class, bar.Y, bar.H = "w-queue", y-5, 10
		p.c.Queued = append(p.c.Queued, bar)
		return
	case waiting, stopped:
		return
	case running:
		bar.Class = "w-run"
	case failed:
		bar.Class, bar.Cap, bar.CapX = "w-fail", "cross", from+bar.W
	case rejected:
		bar.Class, bar.Cap, bar.CapX = "w-reject", "cross", from+bar.W
	case undoing:
		bar.Class, bar.Cap, bar.CapX = "w-undo", "back", from
	}
	if bar.W < 2 {
		bar.Cap = ""
	}
	p.label(&bar, s.lane, s.label)
	p.c.Bars = append(p.c.Bars, bar)
}

// label puts a word above a bar if there is room beside the one before and before the edge.
func (p *pen) label(bar *Bar, lane int, text string) {
	long := Percent(character * float64(len([]rune(text))))
	if p.c.Width > 1000 {
		long *= Percent(1000 / float64(p.c.Width))
	}
	if bar.LabelX+long > 100 {
		bar.LabelX = max(0, 100-long)
	}
	if text == "" || bar.LabelX < p.rests[lane] {
		return
	}
	bar.Label, p.rests[lane] = text, bar.LabelX+long+.5
}

// threadTo lets the thread go on to a span and through it.
func (p *pen) threadTo(s span, from, to Percent) {
	class := ""
	switch {
	case s.kind == waiting:
		class = "wait"
	case s.kind == stopped:
		class = "stop"
	case s.undo:
		class = "back"
	}
	x, y := from.scaled(), laneY(s.lane)
	if p.begun && p.lane != s.lane {
		p.begin(map[bool]string{true: "back"}[s.undo])
		before := p.x.scaled()
		fmt.Fprintf(&p.path, "C%s %d %s %d %s %d", num(before+14), laneY(p.lane), num(x-14), y, num(x), y)
	}
	p.lane, p.x = s.lane, from
	p.begin(class)
	fmt.Fprintf(&p.path, "H%s", num(to.scaled()))
	p.x, p.begun = to, true
}

// begin starts another piece of the thread unless this one goes on as it is.
func (p *pen) begin(class string) {
	if p.path.Len() > 0 && p.class == class {
		return
	}
	p.lift()
	p.class = class
	fmt.Fprintf(&p.path, "M%s %d", num(p.x.scaled()), laneY(p.lane))
}

func (p *pen) lift() {
	if p.path.Len() > 0 {
		p.c.Strands = append(p.c.Strands, Strand{p.class, p.path.String()})
		p.path.Reset()
	}
}

// scaled is a place in the box of threads.
func (p Percent) scaled() float64 { return 10 * float64(p) }

func num(f float64) string { return fmt.Sprintf("%.1f", f) }

// end marks where the token is, or how the saga ended.
func (p *pen) end(last span, x Percent, over bool) {
	saga := &p.in.Saga
	y := laneY(last.lane)
	if over {
		p.begin(p.class)
		fmt.Fprintf(&p.path, "H%s", num((x + 2).scaled()))
		p.lift()
		p.c.Closed = &Closed{X: x + 2, Y: y, Outcome: saga.Outcome}
		return
	}
	p.lift()
	current, _ := saga.Current()
	tip := &Tip{X: x, Y: y, LabelX: x + 1.2, LabelY: y - 14, Class: saga.Status}
	switch {
	case current.State == tracker.StepRetrying && !current.Due.IsZero():
		tip.Due = current.Due
	case last.kind == stopped || last.kind == waiting:
		tip.Word = saga.Status
	default:
		tip.Since = last.from
	}
	const usualLabel = 5.5 // per cent
	if next := p.in.Ahead; len(next) > 0 && p.c.lane(next[0].Service) < last.lane {
		tip.LabelY = y + 21 // the thread goes on above
	} else {
		p.rests[last.lane] = max(p.rests[last.lane], tip.LabelX+usualLabel)
	}
	p.c.Tip = tip
}

func (c *Chart) lane(service string) int {
	return slices.IndexFunc(c.Lanes, func(l Lane) bool { return l.Service == service })
}

// future draws what is to come, in equal parts: when it comes isn't known, or said beside it.
func (p *pen) future() {
	n := len(p.in.Ahead)
	if n == 0 || p.c.Future >= 100 {
		return
	}
	room := (98 - p.c.Future) / Percent(n)
	p.x, p.begun, p.path = p.c.Future, true, strings.Builder{}
	if p.c.Tip == nil {
		p.x, p.lane = 0, 0
	}
	fmt.Fprintf(&p.path, "M%s %d", num(p.x.scaled()), laneY(p.lane))
	for i, a := range p.in.Ahead {
		lane := max(0, p.c.lane(a.Service))
		from := p.c.Future + room*Percent(i) + room*.55
		if n == 1 {
			from = p.c.Future + room*.5
		}
		y, x := laneY(lane), from.scaled()
		if lane != p.lane {
			before := p.x.scaled()
			fmt.Fprintf(&p.path, "C%s %d %s %d %s %d", num(before+14), laneY(p.lane), num(x-14), y, num(x), y)
		}
		width := room * .4
		fmt.Fprintf(&p.path, "H%s", num((from + width).scaled()))
		p.x, p.lane = from+width, lane
		bar := Bar{Class: "w-next", X: from, W: width, Y: y - 8, H: 16, Title: "to come: " + a.Label, LabelX: from + width/2, LabelY: y - 14, Middle: true}
		half := Percent(character * float64(len([]rune(a.Label))) / 2)
		bar.LabelX = min(bar.LabelX, 99.5-half)
		if bar.LabelX-half >= p.rests[lane] {
			bar.Label, p.rests[lane] = a.Label, bar.LabelX+half+.5
		}
		p.c.Next = append(p.c.Next, bar)
	}
	p.c.Strands = append(p.c.Strands, Strand{"next", p.path.String()})
}

// legend lists what is on the chart.
func (p *pen) legend(spans []span) {
	has := func(kind spanKind) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.kind == kind })
	}
	for _, k := range []struct {
		on          bool
		class, word string
	}{
		{has(queued), "w-queue", "queued"}, {has(running), "w-run", "running"}, {has(failed), "w-fail", "failed attempt"},
		{has(waiting), "wait", "waits to go on"}, {has(stopped), "stop", "asks for a person"}, {has(rejected), "w-reject", "turned back"},
		{has(undoing), "back", "undoing, backwards"}, {len(p.c.Next) > 0, "w-next", "to come"},
	} {
		if k.on {
			p.c.Kinds = append(p.c.Kinds, Kind{k.class, k.word})
		}
	}
}
