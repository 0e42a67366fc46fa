package topology

import (
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// Measures of the drawing, in its own units; a unit is about a pixel.
const (
	boxWidth, boxHeight = 172.0, 64.0
	pillHeight          = 24.0
	margin              = 44.0
	rowGap              = 40.0 // between what stands in a column
	tree                = 52.0 // one topic above or below a service
	laneHeight          = 56.0
	gapAround           = 44.0 // on both sides of a topic between columns
	wireHeight          = 12.0 // what a line takes that passes a column
	mostLetters         = 20   // of a topic's name
)

// Layout is where everything stands.
type Layout struct {
	Width, Height float64
	Boxes         []Box
	Pills         []Pill
	Arcs          []Arc
}

// Box is a service. X and Y are its left upper corner.
type Box struct {
	Service             *Service
	X, Y, Width, Height float64
}

// Pill is a topic. X and Y are its middle.
type Pill struct {
	Topic               *Topic
	X, Y, Width, Height float64
	Under               bool // what is said of it stands below, else above
}

// item is what takes room in a column: a service, or a line that passes.
type item struct {
	service string
	wire    string // topic whose line passes; from says whose, "" for the line from the topic to its readers
	from    string
	above   []string // topics
	below   []string
	y       float64 // top of the box, or of the line
}

func (i *item) height() float64 {
	if i.service == "" {
		return wireHeight
	}
	return boxHeight
}

// middle is where lines come and go.
func (i *item) middle() float64 { return i.y + i.height()/2 }

type layout struct {
	*Graph
	column map[string]int
	spots  map[string]spot
	items  [][]*item // by column, from above
	at     map[string]*item
	lefts  []float64 // of the columns
	gaps   []float64 // middle of the gap before each column
	bottom float64
	lanes  []string
	pills  map[string]*Pill
	out    Layout
}

// Lay places a graph: services in columns by their distance from the initiator, topics between them, and what comes home in lanes along the bottom, so
// that a closed loop is seen as one. It doesn't depend on what is chosen or on traffic, so that nothing jumps.
func Lay(g *Graph) Layout {
	l := &layout{Graph: g, column: g.columns(), at: map[string]*item{}, pills: map[string]*Pill{}}
	l.spots = g.spots(l.column)
	l.fill()
	l.sortItems()
	l.placeColumns()
	l.placeRows()
	l.placePills()
	l.route()
	l.out.Width, l.out.Height = l.width(), l.bottom+laneHeight*float64(len(l.lanes))+margin/2
	return l.out
}

// fill puts services into their columns, and lines where they pass one.
func (l *layout) fill() {
	columns := 1
	for _, c := range l.column {
		columns = max(columns, c+1)
	}
	l.items = make([][]*item, columns)
	for _, s := range l.Services {
		i := &item{service: s.Name}
		l.at[s.Name] = i
		c := l.column[s.Name]
		l.items[c] = append(l.items[c], i)
	}
	for _, topic := range slices.Sorted(maps.Keys(l.spots)) {
		switch s := l.spots[topic]; s.seat {
		case above:
			l.at[s.service].above = append(l.at[s.service].above, topic)
		case below:
			l.at[s.service].below = append(l.at[s.service].below, topic)
		case behind:
			l.lanes = append(l.lanes, topic)
		case ahead:
			l.wires(topic, s.gap)
			if slices.ContainsFunc(l.Ways, func(w Way) bool { return w.Topic == topic && w.From != "" && l.column[w.From] >= s.gap }) {
				l.lanes = append(l.lanes, topic)
			}
		}
	}
}

// wires lets the lines to and from a topic pass the columns between.
func (l *layout) wires(topic string, gap int) {
	pass := func(from string, first, last int) {
		for c := first; c <= last; c++ {
			if key := wireKey(topic, from, c); l.at[key] == nil {
				l.at[key] = &item{wire: topic, from: from}
				l.items[c] = append(l.items[c], l.at[key])
			}
		}
	}
	for _, w := range l.Ways {
		if w.Topic != topic {
			continue
		}
		if w.From != "" {
			pass(w.From, l.column[w.From]+1, gap-1)
		}
		if w.To != "" {
			pass("", gap, l.column[w.To]-1)
		}
	}
}

func wireKey(topic, from string, column int) string {
	return "\x00" + topic + "\x00" + from + "\x00" + string(rune(column))
}

// placeColumns gives each column its left edge: the gap before it is as wide as its widest topic.
func (l *layout) placeColumns() {
	x := margin
	for c := range l.items {
		if c > 0 {
			widest := 40.0
			for topic, s := range l.spots {
				if s.seat == ahead && s.gap == c {
					widest = max(widest, pillWidth(topic))
				}
			}
			l.gaps = append(l.gaps, x+gapAround+widest/2)
			x += widest + 2*gapAround
		} else {
			l.gaps = append(l.gaps, x/2)
		}
		l.lefts = append(l.lefts, x)
		x += boxWidth
	}
}

func (l *layout) width() float64 {
	width := l.lefts[len(l.lefts)-1] + boxWidth
	for _, p := range l.out.Pills {
		width = max(width, p.X+p.Width/2)
	}
	return width + margin
}

// placeRows stacks what is in each column. The last one stands as low as the first, so that a loop is an arch.
func (l *layout) placeRows() {
	const top = 30.0
	for c, items := range l.items {
		y := top
		if last := len(l.items) - 1; c == last && c > 0 && len(items) == 1 {
			y += tree * float64(len(l.items[0][0].above))
		}
		for _, i := range items {
			y += tree * float64(len(i.above))
			i.y = y
			y += i.height() + tree*float64(len(i.below)) + rowGap
		}
		l.bottom = max(l.bottom, y-rowGap)
	}
	l.bottom += 44
}

// pillWidth is that of a topic's name in letters of one width.
func pillWidth(name string) float64 {
	return 22 + 6.7*float64(min(utf8.RuneCountInString(name), mostLetters))
}

// placePills gives topics their places.
func (l *layout) placePills() {
	for t := range l.Topics {
		topic := &l.Topics[t]
		s, ok := l.spots[topic.Name]
		if !ok {
			continue
		}
		p := &Pill{Topic: topic, Width: pillWidth(topic.Name), Height: pillHeight}
		l.pills[topic.Name] = p
		switch s.seat {
		case above, below:
			l.hang(p, s)
		case ahead:
			p.X, p.Y = l.gaps[s.gap], l.level(topic.Name, s.gap)
		case behind:
			p.X, p.Under = l.laneMiddle(topic.Name), true
		}
	}
	l.spread()
	for _, topic := range l.lanes { // below all the others
		if p := l.pills[topic]; p.Under {
			p.Y = l.laneY(topic)
		}
	}
	for _, topic := range l.Topics {
		if p := l.pills[topic.Name]; p != nil {
			l.out.Pills = append(l.out.Pills, *p)
		}
	}
	for s := range l.Services {
		service := &l.Services[s]
		l.out.Boxes = append(l.out.Boxes, Box{service, l.lefts[l.column[service.Name]], l.at[service.Name].y, boxWidth, boxHeight})
	}
}

// hang places a topic above or below its service: alone over its middle, else like leaves at a stem.
func (l *layout) hang(p *Pill, s spot) {
	i, left := l.at[s.service], l.lefts[l.column[s.service]]
	list, from, down := i.above, i.y, -1.0
	if s.seat == below {
		list, from, down, p.Under = i.below, i.y+boxHeight, 1, true
	}
	n := slices.Index(list, p.Topic.Name)
	p.X, p.Y = left+boxWidth/2, from+down*(tree*float64(n)+tree-pillHeight/2-4)
	if len(list) > 1 || s.seat == below {
		p.X = left + p.Width/2
	}
}

// level is the height of a topic between columns: that of who reads it, or of who writes it if that is only a little higher.
func (l *layout) level(topic string, gap int) float64 {
	reads, writes := math.Inf(1), math.Inf(1)
	for _, w := range l.Ways {
		if w.Topic != topic {
			continue
		}
		if i := l.entry(w, gap); i != nil {
			reads = min(reads, i.middle())
		}
		if i := l.exit(w, gap); i != nil {
			writes = min(writes, i.middle())
		}
	}
	if writes < reads && reads-writes < 2*tree {
		return writes
	}
	return reads
}

// entry is what a way from a topic before a column meets in that column; exit is what it leaves in the one before.
func (l *layout) entry(w Way, gap int) *item {
	if w.To == "" {
		return nil
	}
	if l.column[w.To] == gap {
		return l.at[w.To]
	}
	return l.at[wireKey(w.Topic, "", gap)]
}

func (l *layout) exit(w Way, gap int) *item {
	switch c, ok := l.column[w.From]; {
	case !ok || c >= gap:
		return nil
	case c == gap-1:
		return l.at[w.From]
	}
	return l.at[wireKey(w.Topic, w.From, gap-1)]
}

// laneMiddle is between the services that a topic comes back from and goes to.
func (l *layout) laneMiddle(topic string) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, w := range l.Ways {
		if w.Topic != topic {
			continue
		}
		for _, service := range []string{w.From, w.To} {
			if c, ok := l.column[service]; ok {
				low, high = min(low, l.lefts[c]), max(high, l.lefts[c]+boxWidth)
			}
		}
	}
	return (low + high) / 2
}

// spread keeps topics in one gap from lying on one another.
func (l *layout) spread() {
	byGap := map[int][]*Pill{}
	for _, t := range l.Topics {
		if s, ok := l.spots[t.Name]; ok && s.seat == ahead {
			byGap[s.gap] = append(byGap[s.gap], l.pills[t.Name])
		}
	}
	for _, pills := range byGap {
		slices.SortStableFunc(pills, func(a, b *Pill) int {
			switch {
			case a.Y < b.Y:
				return -1
			case a.Y > b.Y:
				return 1
			}
			return 0
		})
		for i := 1; i < len(pills); i++ {
			pills[i].Y = max(pills[i].Y, pills[i-1].Y+pillHeight+24)
			l.bottom = max(l.bottom, pills[i].Y+44)
		}
	}
}
