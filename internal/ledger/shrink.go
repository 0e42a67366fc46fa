package ledger

import "maps"

// What Go's maps and slices have grown to they keep, and a map grows by a few times even when as much is deleted as is put in. After a
// peak, say of sagas that waited for a service which was down, half of its memory would be kept for ever. So all is made anew, as small as
// it can be, whenever several times as much has changed as there is: that costs next to nothing per change.
const (
	shrinkAfter = 4096    // changes, and eight times as many as there are live entries
	shrinkMost  = 1 << 15 // live entries: more would be a pause of many milliseconds, and they need the memory anyway
)

// shrink counts changes that became final.
func (l *Ledger) shrink(changes int) {
	l.changed += changes
	if live := l.Live(); live > shrinkMost || l.changed < shrinkAfter+8*live {
		return
	}
	l.changed = 0
	l.opens, l.turns, l.lanes, l.entries = anew(l.opens), anew(l.turns), anew(l.lanes), anew(l.entries)
	l.clock.deadlines, l.clock.questions, l.ready.later = fit(l.clock.deadlines), fit(l.clock.questions), fit(l.ready.later)
	for _, q := range l.ready.steps {
		q.entries, q.front = fit(q.entries[q.front:]), 0
	}
	l.log.queue, l.log.front = fit(l.log.queue[l.log.front:]), 0
}

func anew[K comparable, V any](m map[K]V) map[K]V {
	n := make(map[K]V, len(m)) // maps.Clone would keep the room
	maps.Copy(n, m)
	return n
}

// fit gives a slice with no more than twice the room that it needs.
func fit[S ~[]E, E any](s S) S {
	if cap(s) <= 2*len(s)+64 {
		return s
	}
	return append(make(S, 0, len(s)), s...)
}
