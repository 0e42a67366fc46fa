package ledger

import "time"

// closedWindow remembers sagas that ended lately, so that a repeated start inside the window begins nothing.
type closedWindow struct {
	window time.Duration
	most   int
	at     map[SagaID]int64 // when it ended, Unix nanoseconds
	queue  []closedSaga     // in the order of ending
	front  int
}

type closedSaga struct {
	saga SagaID
	at   int64
}

func (c *closedWindow) has(saga SagaID, now time.Time) bool {
	at, ok := c.at[saga]
	return ok && now.Sub(time.Unix(0, at)) < c.window
}

func (c *closedWindow) add(saga SagaID, at time.Time) {
	c.at[saga] = at.UnixNano()
	c.queue = append(c.queue, closedSaga{saga, at.UnixNano()})
	c.expire(at)
}

// remove takes an add back. The queue keeps a stale item, which expire passes over.
func (c *closedWindow) remove(saga SagaID) { delete(c.at, saga) }

func (c *closedWindow) expire(now time.Time) {
	limit := now.Add(-c.window).UnixNano()
	for c.front < len(c.queue) && (c.queue[c.front].at <= limit || len(c.at) > c.most) {
		oldest := c.queue[c.front]
		if at, ok := c.at[oldest.saga]; ok && at == oldest.at {
			delete(c.at, oldest.saga)
		}
		c.front++
	}
	if c.front > 64 && c.front > len(c.queue)/2 {
		n := copy(c.queue, c.queue[c.front:])
		c.queue, c.front = c.queue[:n], 0
	}
}

func (c *closedWindow) effective(now time.Time) time.Duration {
	if len(c.at) < c.most || c.front == len(c.queue) {
		return c.window
	}
	return min(c.window, now.Sub(time.Unix(0, c.queue[c.front].at)))
}
