package topology

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Mermaid writes the graph as a flowchart for https://mermaid.js.org, as READMEs on GitHub and GitLab show it. With a workflow it's that one alone,
// with what reads along; without, all.
func (g *Graph) Mermaid(workflow string) string {
	m := flowchart{ids: map[string]string{}, lines: map[string]bool{}}
	m.putf("flowchart LR\n")
	var ways []Way
	for _, w := range g.Ways {
		if g.Shows(workflow, w) {
			ways = append(ways, w)
		}
	}
	for _, s := range g.Services {
		if slices.ContainsFunc(ways, func(w Way) bool { return w.From == s.Name || w.To == s.Name }) {
			m.putf("  %s[\"%s\"]\n", m.id("s", s.Name), quoted(s.Name))
		}
	}
	for _, t := range g.Topics {
		if slices.ContainsFunc(ways, func(w Way) bool { return w.Topic == t.Name }) {
			m.putf("  %s([\"%s\"])\n", m.id("t", t.Name), quoted(t.Name))
		}
	}
	for _, w := range ways {
		m.way(w)
	}
	for _, s := range g.Services {
		if id := m.ids["s"+s.Name]; id != "" && len(s.Begins) > 0 {
			m.putf("  style %s stroke-width:3px\n", id)
		}
	}
	return m.String()
}

type flowchart struct {
	strings.Builder
	ids   map[string]string
	lines map[string]bool
}

func (m *flowchart) putf(format string, args ...any) { fmt.Fprintf(m, format, args...) }

// id names a service (s) or a topic (t) in the chart.
func (m *flowchart) id(kind, name string) string {
	if m.ids[kind+name] == "" {
		m.ids[kind+name] = fmt.Sprintf("%s%d", kind, len(m.ids))
	}
	return m.ids[kind+name]
}

// way draws both halves of one, unless another way had the same.
func (m *flowchart) way(w Way) {
	to, from := "-->", "-->"
	switch {
	case !w.Declared:
		to, from = "-. undeclared .->", "-. undeclared .->"
	case w.Role == Watch:
		to = "-.->"
	}
	if w.From != "" {
		m.line(m.ids["s"+w.From], from, m.ids["t"+w.Topic])
	}
	if w.To != "" {
		m.line(m.ids["t"+w.Topic], to, m.ids["s"+w.To])
	}
}

func (m *flowchart) line(from, arrow, to string) {
	if line := from + " " + arrow + " " + to; !m.lines[line] {
		m.lines[line] = true
		m.putf("  %s\n", line)
	}
}

// quoted is text between quotation marks, with Mermaid's own escapes for what ends it or means something.
func quoted(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			b.WriteRune('\ufffd')
		case strings.ContainsRune("\"#&<>`[](){}|;\\", r):
			fmt.Fprintf(&b, "#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
