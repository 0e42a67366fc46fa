package topology

import "slices"

// sortItems orders what is in each column so that lines cross little: by the mean place of its neighbours, to and fro a few times. Initiators of
// larger workflows stand on top.
func (l *layout) sortItems() {
	size := map[string]int{}
	for _, w := range l.Workflows {
		size[w.Initiator] = max(size[w.Initiator], len(l.walkOf(w).order))
	}
	for _, items := range l.items {
		slices.SortStableFunc(items, func(a, b *item) int { return size[b.service] - size[a.service] })
	}
	links := l.links()
	for range 4 {
		for c := 1; c < len(l.items); c++ {
			l.settle(c, c-1, links)
		}
		for c := len(l.items) - 2; c > 0; c-- { // the first column keeps its order
			l.settle(c, c+1, links)
		}
	}
}

// links gives for each item those that it's joined to through a topic in the next gap, on both sides.
func (l *layout) links() map[*item][]*item {
	links := map[*item][]*item{}
	join := func(a, b *item) {
		if a != nil && b != nil && !slices.Contains(links[a], b) {
			links[a], links[b] = append(links[a], b), append(links[b], a)
		}
	}
	for _, w := range l.Ways {
		s := l.spots[w.Topic]
		if s.seat != ahead {
			continue
		}
		join(l.exit(w, s.gap), l.entry(w, s.gap))
		for c := l.column[w.From] + 1; w.From != "" && c < s.gap; c++ {
			before := l.at[w.From]
			if c > l.column[w.From]+1 {
				before = l.at[wireKey(w.Topic, w.From, c-1)]
			}
			join(before, l.at[wireKey(w.Topic, w.From, c)])
		}
		for c := s.gap; w.To != "" && c < l.column[w.To]; c++ {
			after := l.at[w.To]
			if c+1 < l.column[w.To] {
				after = l.at[wireKey(w.Topic, "", c+1)]
			}
			join(l.at[wireKey(w.Topic, "", c)], after)
		}
	}
	return links
}

// settle sorts a column by its neighbours in another one.
func (l *layout) settle(column, by int, links map[*item][]*item) {
	mean := map[*item]float64{}
	for place, i := range l.items[column] {
		sum, n := 0, 0
		for _, other := range links[i] {
			if p := slices.Index(l.items[by], other); p >= 0 {
				sum, n = sum+p, n+1
			}
		}
		mean[i] = float64(place)
		if n > 0 {
			mean[i] = float64(sum) / float64(n)
		}
	}
	slices.SortStableFunc(l.items[column], func(a, b *item) int {
		switch {
		case mean[a] < mean[b]:
			return -1
		case mean[a] > mean[b]:
			return 1
		}
		return 0
	})
}
