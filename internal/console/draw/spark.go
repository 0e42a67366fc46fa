package draw

import (
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Unknown is a value that isn't known: a line has a gap there.
var Unknown = math.NaN()

// Spark is a small chart of values over time, the oldest at the left. All lines have one scale, from zero (or logarithmic from the lowest) to
// the highest.
type Spark struct {
	Width, Height float64 // of the box that coordinates are of; default 84 × 18, a table's cell
	Lines         []Line  // drawn in this order, the last on top
	Log           bool    // values of many sizes, such as times; those of 0 or less are unknown then
	Usual         float64 // a band is drawn around it; 0 for none
	Label         string  // what it shows, in a sentence, for who can't see it; empty hides it from them, for a chart beside its figures
}

// Line is one row of values of a Spark.
type Line struct {
	Class  string    // of chart.css: "", high or bad
	Values []float64 // at equal distances
}

// HTML is the chart as an element.
func (s Spark) HTML() template.HTML {
	class := "spark"
	if s.Width == 0 {
		s.Width, s.Height, class = 84, 18, "spark cell"
	}
	scale := s.scale()
	var b strings.Builder
	open(&b, class, s.Width, s.Height, s.Label)
	if y := scale(s.Usual); s.Usual > 0 && !math.IsNaN(y) {
		half := s.Height / 28
		b.WriteString(`<path class="usual" d="M0 ` + number(y-half) + "H" + number(s.Width) + "V" + number(y+half) + `H0z"/>`)
	}
	for _, line := range s.Lines {
		if d := s.path(line.Values, scale); d != "" {
			b.WriteString(`<path`)
			attribute(&b, "class", line.Class)
			b.WriteString(` d="` + d + `"/>`)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // attributes are escaped, the rest is numbers
}

// path draws a stroke through the values that are known. One alone between unknown ones is a dot.
func (s Spark) path(values []float64, scale func(float64) float64) string {
	var d strings.Builder
	drawn := false
	for i, v := range values {
		y := scale(v)
		if math.IsNaN(y) {
			drawn = false
			continue
		}
		x := s.Width
		if len(values) > 1 {
			x = s.Width * float64(i) / float64(len(values)-1)
		}
		switch alone := i+1 == len(values) || math.IsNaN(scale(values[i+1])); {
		case drawn:
			d.WriteString("L" + number(x) + " " + number(y))
		case alone:
			d.WriteString("M" + number(x) + " " + number(y) + "h.01")
		default:
			d.WriteString("M" + number(x) + " " + number(y))
		}
		drawn = true
	}
	return d.String()
}

// scale gives the place of a value from above; NaN for one that is unknown.
func (s Spark) scale() func(float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if v = s.measure(v); !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, line := range s.Lines {
		for _, v := range line.Values {
			see(v)
		}
	}
	if s.Usual > 0 {
		see(s.Usual)
	}
	const least = 1.4 // e to that is 4: what doesn't even double isn't blown up to a mountain
	switch middle := (low + high) / 2; {
	case !s.Log:
		low = 0
	case high-low < least:
		low, high = middle-least/2, middle+least/2
	}
	const rim = 2 // of the stroke
	return func(v float64) float64 {
		v = s.measure(v)
		if math.IsNaN(v) {
			return v
		}
		share := 0.0
		if high > low {
			share = (v - low) / (high - low)
		}
		return rim + (1-share)*(s.Height-2*rim)
	}
}

func (s Spark) measure(v float64) float64 {
	switch {
	case math.IsInf(v, 0), s.Log && v <= 0:
		return math.NaN()
	case s.Log:
		return math.Log(v)
	}
	return max(v, 0)
}

func open(b *strings.Builder, class string, width, height float64, label string) {
	b.WriteString(`<svg class="` + class + `" viewBox="0 0 ` + number(width) + " " + number(height) + `" preserveAspectRatio="none"`)
	if label == "" {
		b.WriteString(` aria-hidden="true"`)
	} else {
		b.WriteString(` role="img"`)
		attribute(b, "aria-label", label)
	}
	b.WriteString(">")
}

func attribute(b *strings.Builder, name, value string) {
	if value != "" {
		b.WriteString(" " + name + `="` + template.HTMLEscapeString(value) + `"`)
	}
}

// number has one decimal at most: no eye sees more, and each digit is sent at every change.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
