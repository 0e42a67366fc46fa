package draw

import (
	"html/template"
	"strings"
)

// Part is a share of a whole.
type Part struct {
	Class string // of chart.css: fill-running, fill-completed, …
	N     float64
}

// Shares is one bar across, divided as its parts are. Parts of nothing are left out; without any it's an empty bar.
func Shares(label string, parts ...Part) template.HTML {
	total := 0.0
	for _, p := range parts {
		total += max(p.N, 0)
	}
	var b strings.Builder
	b.WriteString(`<svg class="share"`)
	if label == "" {
		b.WriteString(` aria-hidden="true"`)
	} else {
		b.WriteString(` role="img"`)
		attribute(&b, "aria-label", label)
	}
	b.WriteString(">")
	if total == 0 {
		b.WriteString(`<rect class="fill-line" width="100%" height="100%" rx="2"/>`)
	}
	from := 0.0
	for _, p := range parts {
		if p.N <= 0 {
			continue
		}
		width := 100 * p.N / total
		b.WriteString(`<rect`)
		attribute(&b, "class", p.Class)
		b.WriteString(` x="` + number(from) + `%" width="` + number(width) + `%" height="100%" rx="2"/>`)
		from += width
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // attributes are escaped, the rest is numbers
}

// Bars is a chart of stacks side by side, the oldest at the left, on one scale from zero to the highest of them.
type Bars struct {
	Width, Height float64 // of the box that coordinates are of; default 360 × 64
	Stacks        []Stack
	Top           float64 // what a bar as high as the box stands for; the highest stack if that is more
	Label         string  // as in Spark
}

// Stack is one of the bars: its parts lie on one another, the first at the bottom.
type Stack struct {
	Title string // says its figures to who points at it
	Parts []Part
}

// HTML is the chart as an element.
func (s Bars) HTML() template.HTML {
	if s.Width == 0 {
		s.Width, s.Height = 360, 64
	}
	top := s.Top
	for _, stack := range s.Stacks {
		top = max(top, stack.total())
	}
	var b strings.Builder
	open(&b, "bars", s.Width, s.Height, s.Label)
	each := s.Width / float64(max(len(s.Stacks), 1))
	for i, stack := range s.Stacks {
		x, y := each*float64(i), s.Height
		b.WriteString("<g>")
		if stack.Title != "" {
			b.WriteString("<title>" + template.HTMLEscapeString(stack.Title) + "</title>")
		}
		for _, p := range stack.Parts {
			if p.N <= 0 {
				continue
			}
			height := s.Height * p.N / top
			y -= height
			b.WriteString(`<rect`)
			attribute(&b, "class", p.Class)
			b.WriteString(` x="` + number(x) + `" y="` + number(y) + `" width="` + number(each*.8) + `" height="` + number(height) + `"/>`)
		}
		b.WriteString("</g>")
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // attributes and text are escaped, the rest is numbers
}

func (s Stack) total() (sum float64) {
	for _, p := range s.Parts {
		sum += max(p.N, 0)
	}
	return sum
}
