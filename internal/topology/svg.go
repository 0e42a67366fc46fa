package topology

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Look says how a layout is drawn.
type Look struct {
	Workflow string // in accent, the others grey; "" shows all alike
	Said     Said
	Alone    bool                                    // a file of its own, with its own colours and without links
	Service  func(name string) (address string)      // where a service leads
	Hop      func(topic, to string) (address string) // where a topic leads, with the service that reads it or ""
	Topic    string                                  // whose hop is chosen
}

// SVG draws it, in attributes alone.
func (l Layout) SVG(look Look) string {
	d := &drawing{Layout: l, look: look}
	d.open()
	d.arcs()
	for _, p := range l.Pills {
		d.pill(p)
	}
	for _, b := range l.Boxes {
		d.box(b)
	}
	d.putf("</svg>\n")
	return d.String()
}

type drawing struct {
	Layout
	strings.Builder
	look Look
}

func (d *drawing) putf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

func (d *drawing) open() {
	class := "map"
	if d.Width <= 1040 {
		class = "map fits" // it may shrink
	}
	if !d.look.Alone {
		d.putf(`<svg class="%s" id="map-svg" width="%s" height="%s" viewBox="0 0 %[2]s %[3]s" role="group" aria-label="Services and topics; the table below says the same">`+"\n",
			class, number(d.Width), number(d.Height))
		return
	}
	d.putf(`<svg xmlns="http://www.w3.org/2000/svg" class="map" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s">`+"\n", number(d.Width), number(d.Height))
	d.putf("<title>%s</title>\n<style>%s</style>\n<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n", escaped(cmp.Or(d.look.Workflow, "Services and topics")), colours)
}

// arcs come in the order of what matters, so that the chosen ones cross over the others: each layer has a rim in the ground's colour below it.
func (d *drawing) arcs() {
	for _, layer := range []string{"watch", "dim", "odd", ""} {
		for _, a := range d.Arcs {
			if d.class(&a) == layer {
				d.putf(`<path class="rim" d="%s"/>`, a.D)
			}
		}
		d.putf("\n")
		for n, a := range d.Arcs {
			class := d.class(&a)
			if class != layer {
				continue
			}
			if slow := d.look.Said.Topics[a.Topic].Stuck > 0 && a.To != "" && class == ""; slow {
				class = "slow"
			}
			d.putf(`<path class="%s" id="way-%d" data-events="%d" d="%s"/><path class="%s" d="%s"/>`+"\n",
				strings.TrimSpace("strand "+class), n, a.events(), a.D, strings.TrimSpace("arrow "+class), a.Arrow)
		}
	}
}

// events are those of the last hour.
func (a *Arc) events() (sum int64) {
	for _, w := range a.Ways {
		for _, h := range w.Traffic {
			for _, m := range h.Minutes {
				sum += m.Events
			}
		}
	}
	return sum
}

func (d *drawing) class(a *Arc) string {
	switch {
	case a.Odd():
		return "odd"
	case a.Watches():
		return "watch"
	case d.look.Workflow != "" && !a.Takes(d.look.Workflow):
		return "dim"
	}
	return ""
}

func (d *drawing) pill(p Pill) {
	said := d.look.Said.Topics[p.Topic.Name]
	class := "topic"
	switch {
	case said.Odd:
		class += " odd"
	case said.Stuck > 0:
		class += " slow"
	}
	if p.Topic.Name == d.look.Topic && d.look.Topic != "" {
		class += " chosen"
	}
	end := d.link("topic "+p.Topic.Name+": "+said.Text, func() string { return d.look.Hop(p.Topic.Name, d.taker(p.Topic.Name)) })
	d.putf(`<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="12"/>`, class, number(p.X-p.Width/2), number(p.Y-p.Height/2), number(p.Width), number(p.Height))
	d.putf(`<text class="code" x="%s" y="%s" text-anchor="middle">%s</text>`, number(p.X), number(p.Y+4), clipped(p.Topic.Name, mostLetters))
	text, flag, style := p.Y-18, p.Y+16, "quiet"
	if p.Under {
		text, flag = p.Y+26, p.Y-36
	}
	if said.Odd {
		style = "flagtext odd"
	}
	if said.Text != "" {
		d.putf(`<text class="%s" x="%s" y="%s" text-anchor="middle">%s</text>`, style, number(p.X), number(text), escaped(said.Text))
	}
	if said.Stuck > 0 {
		d.flag(p.X, flag, fmt.Sprintf("%d stuck", said.Stuck))
	}
	d.putf("%s\n", end)
}

func (d *drawing) flag(x, y float64, text string) {
	const width = 72
	d.putf(`<rect class="flagbox" x="%s" y="%s" width="%d" height="20" rx="10"/><text class="flagtext" x="%s" y="%s" text-anchor="middle">%s</text>`,
		number(x-width/2), number(y), width, number(x), number(y+14), escaped(text))
}

// taker is who reads a topic: of the chosen workflow if there is one.
func (d *drawing) taker(topic string) string {
	first := ""
	for _, a := range d.Arcs {
		if a.Topic != topic || a.To == "" {
			continue
		}
		if a.Takes(d.look.Workflow) {
			return a.To
		}
		first = cmp.Or(first, a.To)
	}
	return first
}

func (d *drawing) box(b Box) {
	s, said := b.Service, d.look.Said.Services[b.Service.Name]
	class := "node"
	switch {
	case len(s.Begins) > 0 && d.look.Workflow != "" && !slices.Contains(s.Begins, d.look.Workflow):
		class += " begins other"
	case len(s.Begins) > 0:
		class += " begins"
	case len(s.Serves) == 0:
		class += " watcher"
	}
	label := s.Name + ": "
	if said.Count != "" {
		label += said.Count + " instances up, "
	}
	if said.Lines[0] != "" {
		label += said.Lines[0] + ", "
	}
	end := d.link(label+said.Lines[1], func() string { return d.look.Service(s.Name) })
	d.putf(`<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="9"/>`, class, number(b.X), number(b.Y), number(b.Width), number(b.Height))
	x, y := b.X+15, b.Y+18
	switch {
	case said.State == Down:
		d.putf(`<rect class="down" x="%s" y="%s" width="8" height="8"/>`, number(x-4), number(y-4))
	case said.State == Partly:
		d.putf(`<circle class="partly" cx="%s" cy="%s" r="4"/><path class="half" d="M%s %sa4 4 0 0 0 0 8z"/>`, number(x), number(y), number(x), number(y-4))
	case len(s.Begins) > 0:
		d.putf(`<circle class="knot" cx="%s" cy="%s" r="4.5"/>`, number(x), number(y))
	case said.State == Up:
		d.putf(`<circle class="up" cx="%s" cy="%s" r="4"/>`, number(x), number(y))
	}
	letters := 16
	if said.Count != "" {
		letters = 13
		d.putf(`<text class="quiet" x="%s" y="%s" text-anchor="end">%s</text>`, number(b.X+b.Width-11), number(y+4), said.Count)
	}
	d.putf(`<text class="name" x="%s" y="%s">%s</text>`, number(b.X+27), number(y+4.5), clipped(s.Name, letters))
	d.putf(`<text x="%s" y="%s">%s</text>`, number(b.X+11), number(b.Y+40), clipped(said.Lines[0], 30))
	d.putf(`<text class="quiet" x="%s" y="%s">%s</text>`, number(b.X+11), number(b.Y+55), clipped(said.Lines[1], 28))
	d.putf("%s\n", end)
}

// link opens an element that leads on, or one that is only named, and gives what closes it.
func (d *drawing) link(label string, address func() string) string {
	if d.look.Alone {
		d.putf(`<g><title>%s</title>`, escaped(label))
		return "</g>"
	}
	d.putf(`<a href="%s" data-view="" aria-label="%s">`, escaped(address()), escaped(label))
	return "</a>"
}

// clipped cuts a text that has no room, and escapes it.
func clipped(s string, letters int) string {
	if utf8.RuneCountInString(s) > letters {
		s = string([]rune(s)[:letters-1]) + "…"
	}
	return escaped(s)
}

// escaped is text as HTML and XML can hold it: control characters aren't allowed in either.
func escaped(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || r == '\ufffe' || r == '\uffff' {
			return '\ufffd'
		}
		return r
	}, s))
}
