package bench

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartWidth  = 960
	panelHeight = 220
	marginLeft  = 64
	marginTop   = 40
	labelHeight = 44
	barWidth    = 30
	barGap      = 3
	groupGap    = 40
)

var colours = map[Contestant]string{Skald: "#2f5d8a", Tracked: "#7fa3c4", Tuned: "#c98a2b", Documented: "#8a8f98"}

// panel is one part of the chart: a figure of those scenarios that it means something for.
type panel struct {
	title   string
	figure  string
	applies func(Scenario) bool
}

func closedLoop(s Scenario) bool { return s.Rate == 0 }
func openLoop(s Scenario) bool   { return s.Rate > 0 }

var panels = []panel{
	{"Throughput of closed loops, sagas/s (more is better)", "sagas_per_second", closedLoop},
	{"CPU time of the services in closed loops, ms per saga (less is better)", "services_cpu_ms", closedLoop},
	{"Median time of a saga in open loops, ms (less is better)", "p50_ms", openLoop},
	{"99th percentile of a saga's time in open loops, ms (less is better)", "p99_ms", openLoop},
}

// WriteSVG draws a bar per scenario and contestant: the median, with a line from the minimum to the maximum.
func (r *Report) WriteSVG(w io.Writer) error {
	var body strings.Builder
	width, y := chartWidth, marginTop
	for _, p := range panels {
		var shown []Result
		for _, result := range r.Results {
			if p.applies(result.Scenario) {
				shown = append(shown, result)
			}
		}
		if len(shown) == 0 {
			continue
		}
		width = max(width, p.draw(&body, shown, y))
		y += panelHeight + labelHeight + marginTop
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="system-ui, sans-serif" font-size="12">`+"\n", width, y+30)
	fmt.Fprintf(&b, "<title>skald bench</title>\n<desc>%s</desc>\n", html.EscapeString(r.Machine.String()))
	b.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	b.WriteString(body.String())
	legend(&b, y)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// draw draws a panel and gives its width.
func (p panel) draw(b *strings.Builder, results []Result, top int) int {
	most := 0.0
	for _, result := range results {
		for _, st := range result.Contestants {
			most = max(most, st.Spreads[p.figure].Max)
		}
	}
	most = ceiling(most)
	bottom := top + panelHeight
	height := func(v float64) float64 { return v / most * (panelHeight - 30) }
	fmt.Fprintf(b, `<text x="12" y="%d" font-weight="600" fill="#1d2733">%s</text>`+"\n", top, html.EscapeString(p.title))
	x := marginLeft
	var bars strings.Builder
	for _, result := range results {
		middle := x + len(result.Contestants)*(barWidth+barGap)/2
		for _, st := range result.Contestants {
			bar(&bars, x, bottom, st, p.figure, height)
			x += barWidth + barGap
		}
		for i, line := range scenarioLabel(result.Scenario) {
			fmt.Fprintf(&bars, `<text x="%d" y="%d" text-anchor="middle" fill="#4a5563" font-size="10">%s</text>`+"\n",
				middle, bottom+13+12*i, html.EscapeString(line))
		}
		x += groupGap
	}
	for i := range 5 {
		v := most * float64(i) / 4
		y := float64(bottom) - height(v)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#e3e7ec"/>`+"\n", marginLeft-6, max(x, chartWidth)-12, y)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end" fill="#4a5563">%s</text>`+"\n", marginLeft-10, y+4, number(v))
	}
	b.WriteString(bars.String())
	return x
}

func bar(b *strings.Builder, x, bottom int, st Standing, figure string, height func(float64) float64) {
	s := st.Spreads[figure]
	tall := height(s.Median)
	fmt.Fprintf(b, `<rect x="%d" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s: %s</title></rect>`+"\n",
		x, float64(bottom)-tall, barWidth, tall, colours[st.Contestant], st.Contestant, s)
	middle := float64(x) + barWidth/2.0
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1[1]f" y1="%.1f" y2="%.1f" stroke="#1d2733"/>`+"\n",
		middle, float64(bottom)-height(s.Max), float64(bottom)-height(s.Min))
}

func scenarioLabel(s Scenario) []string {
	return []string{s.Broker, fmt.Sprintf("%dp, %d proc.", s.Partitions, s.Processes), s.Load()}
}

func legend(b *strings.Builder, y int) {
	x := marginLeft
	for _, contestant := range Contestants {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d" fill="#1d2733">%s</text>`+"\n",
			x, y-2, colours[contestant], x+18, y+9, contestant)
		x += 130
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="#4a5563">bar: median over the rounds, line: minimum to maximum</text>`+"\n", x, y+9)
}

// ceiling gives the next round number, for the axis.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := 1.0
	for unit*10 <= v {
		unit *= 10
	}
	for unit > v {
		unit /= 10
	}
	steps := []float64{1, 2, 3, 4, 5, 6, 8, 10}
	return unit * steps[slices.IndexFunc(steps, func(s float64) bool { return s*unit >= v })]
}
