package draw_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console/draw"
)

func TestSparkDrawsWhatIsKnown(t *testing.T) {
	got := string(draw.Spark{Width: 40, Height: 24, Lines: []draw.Line{
		{Values: []float64{0, 5, 10, draw.Unknown, 10}},
		{Class: "high", Values: []float64{draw.Unknown, math.Inf(1)}},
	}, Label: `p99 rose from 2 s to <4> "s"`}.HTML())
	want := `<svg class="spark" viewBox="0 0 40 24" preserveAspectRatio="none" role="img" aria-label="p99 rose from 2 s to &lt;4&gt; &#34;s&#34;">` +
		`<path d="M0 22L10 12L20 2M40 2h.01"/></svg>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSparkOnALogScaleHasABandAroundTheUsual(t *testing.T) {
	got := string(draw.Spark{Width: 28, Height: 28, Log: true, Usual: 10, Lines: []draw.Line{{Values: []float64{1, 10, 100, 0}}}}.HTML())
	for _, part := range []string{`<path class="usual" d="M0 13H28V15H0z"/>`, `<path d="M0 26L9.3 14L18.7 2"/>`, `aria-hidden="true"`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
}

// What is nearly the same all the time is drawn as nearly a line.
func TestSparkDoesNotBlowNoiseUp(t *testing.T) {
	got := string(draw.Spark{Width: 10, Height: 18, Log: true, Lines: []draw.Line{{Values: []float64{1, 1.1}}}}.HTML())
	if !strings.Contains(got, `d="M0 9.5L10 8.5"`) {
		t.Error(got)
	}
}

// Charts without values, or with one and the same, are charts.
func TestSparkOfNothing(t *testing.T) {
	for name, s := range map[string]draw.Spark{
		"nothing": {}, "no values": {Lines: []draw.Line{{}}}, "zeros": {Lines: []draw.Line{{Values: []float64{0, 0}}}},
		"the same": {Log: true, Lines: []draw.Line{{Values: []float64{3, 3}}}}, "one": {Lines: []draw.Line{{Values: []float64{3}}}},
		"all unknown": {Log: true, Usual: 0, Lines: []draw.Line{{Values: []float64{0, -1}}}},
	} {
		wellFormed(t, name, string(s.HTML()))
	}
}

func TestSharesAreOfOneWhole(t *testing.T) {
	got := string(draw.Shares("", draw.Part{Class: "fill-running", N: 3}, draw.Part{Class: "fill-halted"}, draw.Part{Class: "fill-line", N: 1}))
	want := `<svg class="share" aria-hidden="true"><rect class="fill-running" x="0%" width="75%" height="100%" rx="2"/>` +
		`<rect class="fill-line" x="75%" width="25%" height="100%" rx="2"/></svg>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	wellFormed(t, "none", string(draw.Shares(`<"none">`)))
}

func TestBarsStandOnOneScale(t *testing.T) {
	got := string(draw.Bars{Width: 20, Height: 40, Label: "a", Stacks: []draw.Stack{
		{Title: "10:00 <b>", Parts: []draw.Part{{"fill-completed", 3}, {"fill-halted", 1}}},
		{Parts: []draw.Part{{"fill-completed", 2}}},
	}}.HTML())
	for _, part := range []string{
		`<title>10:00 &lt;b&gt;</title><rect class="fill-completed" x="0" y="10" width="8" height="30"/><rect class="fill-halted" x="0" y="0" width="8" height="10"/>`,
		`<rect class="fill-completed" x="10" y="20" width="8" height="20"/>`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
	wellFormed(t, "none", string(draw.Bars{}.HTML()))
}

func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "style") {
		t.Errorf("%s: %s", name, svg)
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v: %s", name, err, svg)
		}
	}
}
