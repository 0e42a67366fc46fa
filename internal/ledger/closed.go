package ledger

import "time"

// closedWindow remembers sagas that ended lately, so that a repeated start inside the window begins nothing. They are kept in
// generations, each of an eighth of the window or of what may be remembered, and forgotten a generation at a time: half a million of them
// take a third of what a map with a queue beside it took.
type closedWindow struct {
	window      time.Duration
	most        int
	generations []generation // the latest last
	count       int
	lost        int64 // when the latest saga ended that was forgotten before its time, Unix nanoseconds; 0 for none
}

type generation struct {
	first, last int64            // when sagas of it ended
	at          map[SagaID]int64 // when each ended
}

const generations = 8

func (c *closedWindow) has(saga SagaID, now time.Time) bool {
	for _, g := range c.generations {
		if at, ok := g.at[saga]; ok && now.Sub(time.Unix(0, at)) < c.window {
			return true
		}
	}
	return false
}

func (c *closedWindow) add(saga SagaID, when time.Time) {
	at := when.UnixNano()
	c.expire(at)
	last := len(c.generations) - 1
	if last < 0 || len(c.generations[last].at) >= max(1, c.most/generations) || at-c.generations[last].first > int64(c.window/generations) {
		c.generations = append(c.generations, generation{first: at, at: map[SagaID]int64{}})
		last++
	}
	g := &c.generations[last]
	before := len(g.at)
	g.at[saga] = at
	g.last = max(g.last, at)
	c.count += len(g.at) - before
	for c.count > c.most {
		c.lost = max(c.lost, c.generations[0].last)
		c.forget()
	}
}

// remove takes an add back.
func (c *closedWindow) remove(saga SagaID) {
	for _, g := range c.generations {
		if _, ok := g.at[saga]; ok {
			delete(g.at, saga)
			c.count--
		}
	}
}

func (c *closedWindow) expire(now int64) {
	for len(c.generations) > 0 && now-c.generations[0].last >= int64(c.window) {
		c.forget()
	}
}

func (c *closedWindow) forget() {
	c.count -= len(c.generations[0].at)
	c.generations[0] = generation{}
	c.generations = c.generations[1:]
}

// effective is how far back all are remembered.
func (c *closedWindow) effective(now time.Time) time.Duration {
	if c.lost == 0 || now.Sub(time.Unix(0, c.lost)) >= c.window || len(c.generations) == 0 {
		return c.window
	}
	return min(c.window, now.Sub(time.Unix(0, c.generations[0].first)))
}
