package ledger

import (
	"bytes"
	"slices"
	"time"
)

// closedWindow remembers sagas that ended lately, so that a repeated start inside the window begins nothing. They are kept in
// generations, each of an eighth of the window or of what may be remembered, and forgotten a generation at a time. Only the latest is a map;
// the others are sorted arrays, half as large, in which the garbage collector has nothing to look for. The map and the array of a generation
// that is forgotten are used again, so a window that is full needs no new memory.
type closedWindow struct {
	window time.Duration
	most   int
	latest map[SagaID]int64 // when each ended, Unix nanoseconds
	span   span             // of latest
	sealed []generation     // the youngest last
	spare  []sagaAt         // of a generation that was forgotten
	count  int
	lost   int64 // when the latest saga ended that was forgotten before its time, Unix nanoseconds; 0 for none
}

// span is from when to when sagas of a generation ended, Unix nanoseconds.
type span struct{ first, last int64 }

type generation struct {
	span
	sagas []sagaAt // by saga
}

const generations = 8

func (c *closedWindow) has(saga SagaID, now time.Time) bool {
	if at, ok := c.latest[saga]; ok && c.within(at, now) {
		return true
	}
	for i := range c.sealed {
		if n, ok := c.sealed[i].find(saga); ok && c.within(c.sealed[i].sagas[n].at, now) {
			return true
		}
	}
	return false
}

func (c *closedWindow) within(at int64, now time.Time) bool {
	return now.Sub(time.Unix(0, at)) < c.window
}

func (c *closedWindow) add(saga SagaID, when time.Time) {
	at := when.UnixNano()
	for len(c.sealed) > 0 && at-c.sealed[0].last >= int64(c.window) {
		c.forget()
	}
	if n := len(c.latest); n > 0 && (n >= max(1, c.most/generations) || at-c.span.first > int64(c.window/generations)) {
		c.seal()
	}
	if len(c.latest) == 0 {
		c.span = span{first: at}
		if c.latest == nil {
			c.latest = map[SagaID]int64{}
		}
	}
	before := len(c.latest)
	c.latest[saga] = at
	c.span.last = max(c.span.last, at)
	c.count += len(c.latest) - before
	for c.count > c.most && len(c.sealed) > 0 {
		c.lost = max(c.lost, c.sealed[0].last)
		c.forget()
	}
}

// remove takes an add back.
func (c *closedWindow) remove(saga SagaID) {
	if _, ok := c.latest[saga]; ok {
		delete(c.latest, saga)
		c.count--
	}
	for i := range c.sealed {
		g := &c.sealed[i]
		if n, ok := g.find(saga); ok {
			g.sagas = slices.Delete(g.sagas, n, n+1)
			c.count--
		}
	}
}

// seal makes the latest generation an array.
func (c *closedWindow) seal() {
	sagas := slices.Grow(c.spare[:0], len(c.latest))
	c.spare = nil
	for saga, at := range c.latest {
		sagas = append(sagas, sagaAt{at, saga})
	}
	slices.SortFunc(sagas, func(a, b sagaAt) int { return bytes.Compare(a.saga[:], b.saga[:]) })
	c.sealed = append(c.sealed, generation{c.span, sagas})
	clear(c.latest)
}

// forget drops the oldest generation.
func (c *closedWindow) forget() {
	c.count -= len(c.sealed[0].sagas)
	c.spare = c.sealed[0].sagas
	c.sealed = slices.Delete(c.sealed, 0, 1)
}

func (g *generation) find(saga SagaID) (int, bool) {
	if n := len(g.sagas); n == 0 || bytes.Compare(saga[:], g.sagas[n-1].saga[:]) > 0 {
		return n, false // as the IDs of new sagas are, which grow with time
	}
	return slices.BinarySearchFunc(g.sagas, saga, func(s sagaAt, saga SagaID) int { return bytes.Compare(s.saga[:], saga[:]) })
}

// effective is how far back all are remembered.
func (c *closedWindow) effective(now time.Time) time.Duration {
	if c.lost == 0 || now.Sub(time.Unix(0, c.lost)) >= c.window {
		return c.window
	}
	first := c.lost
	switch {
	case len(c.sealed) > 0:
		first = c.sealed[0].first
	case len(c.latest) > 0:
		first = c.span.first
	}
	return min(c.window, now.Sub(time.Unix(0, first)))
}
