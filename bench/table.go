package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteTable writes the report for people: per scenario a row per figure, a column per contestant and per ratio.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nmedian (minimum-maximum) over %s; ratios are taken within each round\n", r.Machine, count(r.Rounds, "round"))
	for i := range r.Results {
		b.WriteString("\n")
		r.scenario(&b, &r.Results[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) scenario(b *strings.Builder, result *Result) {
	s := result.Scenario
	name := s.Broker
	if version := r.Versions[name]; version != "" && name != Apache {
		name = version + " at " + name
	} else if version != "" {
		name = version
	} else {
		name += " broker"
	}
	size := fmt.Sprintf("%d sagas", result.Sagas)
	if s.Rate > 0 {
		size = fmt.Sprintf("%g s", r.Seconds)
	}
	fmt.Fprintf(b, "%s, %s, %s, %s, %s per round\n", name, count(s.Partitions, "partition"), count(s.Processes, "process"), s.Load(), size)
	writeAligned(b, result.cells())
	for _, st := range result.Contestants {
		for _, m := range st.Rounds {
			if m.wrong() > 0 {
				fmt.Fprintf(b, "WRONG: %s, round %d: of %d sagas %d lost, %d doubled, %d not completed, %d outcomes of none\n",
					st.Contestant, m.Round, m.Started, m.Lost, m.Doubled, m.Failed, m.Strays)
			}
		}
	}
}

func (result *Result) cells() [][]string {
	head := []string{""}
	for _, st := range result.Contestants {
		head = append(head, string(st.Contestant))
	}
	var bases []Contestant
	for _, contestant := range Contestants {
		if result.Ratios[contestant] != nil {
			bases = append(bases, contestant)
			head = append(head, fmt.Sprintf("%s/%s", Skald, contestant))
		}
	}
	rows := [][]string{head}
	for _, f := range figures {
		if f.only != "" && !result.has(f.only) {
			continue
		}
		row := []string{f.label}
		for _, st := range result.Contestants {
			row = append(row, st.Spreads[f.name].String())
		}
		for _, base := range bases {
			cell := "-"
			if ratio := result.Ratios[base][f.name]; ratio != nil {
				cell = ratio.String()
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

func (result *Result) has(contestant Contestant) bool {
	return slices.ContainsFunc(result.Contestants, func(st Standing) bool { return st.Contestant == contestant })
}

// String gives "-" for what couldn't be measured.
func (s Spread) String() string {
	if s.Max == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.Min), number(s.Max))
}

// number gives three figures, or all that stand before the point.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// writeAligned sets the first column left and the others right.
func writeAligned(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
				continue
			}
			b.WriteString("  " + pad + cell)
		}
		b.WriteString("\n")
	}
}
