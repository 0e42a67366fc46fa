package topology

import (
	"cmp"
	"slices"
)

// columns gives each service its column: the largest of its distances from the initiators of the workflows that it serves. What no
// workflow reaches stands one behind what it reads from.
func (g *Graph) columns() map[string]int {
	columns := map[string]int{}
	for _, w := range g.Workflows {
		for service, distance := range g.walkOf(w).distance {
			columns[service] = max(columns[service], distance)
		}
	}
	for range g.Services { // each pass places at least one, or none is left
		for _, w := range g.Ways {
			from, ok := columns[w.From]
			if _, placed := columns[w.To]; ok && !placed && w.To != "" {
				columns[w.To] = from + 1
			}
		}
	}
	for _, s := range g.Services {
		if _, placed := columns[s.Name]; !placed {
			columns[s.Name] = 0
		}
	}
	return columns
}

// seat is how a topic stands to the services around it.
type seat int

const (
	above  seat = iota // over its first reader: nobody is known to write it
	below              // under its first writer: nobody is known to read it
	ahead              // between the columns of its writers and its readers
	behind             // in a lane at the bottom: its events go back
)

// spot is the place of a topic before there are coordinates.
type spot struct {
	seat    seat
	service string // of above and below
	gap     int    // of ahead: it stands before this column
}

// spots places the topics.
func (g *Graph) spots(columns map[string]int) map[string]spot {
	spots := map[string]spot{}
	for _, t := range g.Topics {
		var readers, writers []string
		for _, w := range g.Ways {
			if w.Topic == t.Name {
				readers, writers = add(readers, w.To), add(writers, w.From)
			}
		}
		byColumn := func(a, b string) int { return cmp.Or(cmp.Compare(columns[a], columns[b]), cmp.Compare(a, b)) }
		slices.SortFunc(readers, byColumn)
		slices.SortFunc(writers, byColumn)
		switch {
		case len(readers) == 0 && len(writers) == 0:
			for _, r := range g.readers[t.Name] {
				readers = add(readers, r.service)
			}
			if len(readers) > 0 {
				spots[t.Name] = spot{above, readers[0], 0}
			}
		case len(writers) == 0:
			spots[t.Name] = spot{above, readers[0], 0}
		case len(readers) == 0:
			spots[t.Name] = spot{below, writers[0], 0}
		case columns[readers[0]] <= columns[writers[0]]:
			spots[t.Name] = spot{seat: behind}
		default:
			spots[t.Name] = spot{seat: ahead, gap: columns[readers[0]]}
		}
	}
	return spots
}
