package api

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/tracker"
)

// changes asks the tracker what has changed, and gives clients that stand at the same position the same answer for one tick: of many that
// follow live, one costs about as much as all.
type changes struct {
	tracker interface {
		ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error)
		Changed() (seq int64, changed <-chan struct{})
	}
	mu     sync.Mutex
	tick   time.Time
	answer map[place]*answered
}

// place is where a client stands, and what it follows.
type place struct {
	since    int64
	workflow string
}

// changed is a saga as an event of the stream.
type changed struct {
	seq  int64
	json json.RawMessage
}

type answered struct {
	once  sync.Once
	sagas []changed
	upTo  int64 // all changes up to this position are among the sagas, unless these are as many as one answer has
	err   error
}

// since gives at most streamBatch sagas that changed after a position, as they were in this tick or now. Its upTo may lie before a position
// that the client knows of already: then there is more to ask for in the next tick.
func (c *changes) since(ctx context.Context, at place) (*answered, error) {
	c.mu.Lock()
	if tick := time.Now().Truncate(live.Tick); !tick.Equal(c.tick) {
		c.tick, c.answer = tick, map[place]*answered{}
	}
	a := c.answer[at]
	if a == nil {
		a = &answered{}
		c.answer[at] = a
	}
	c.mu.Unlock()
	// The first to ask may go away; the others still want the answer.
	a.once.Do(func() {
		a.upTo, _ = c.tracker.Changed()
		a.sagas, a.err = c.ask(context.WithoutCancel(ctx), at)
	})
	return a, a.err
}

func (c *changes) ask(ctx context.Context, at place) ([]changed, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	sagas, err := c.tracker.ChangedSince(ctx, at.since, at.workflow, streamBatch)
	if err != nil {
		return nil, err
	}
	all := make([]changed, 0, len(sagas))
	for _, saga := range sagas {
		encoded, err := json.Marshal(apiSaga(saga, false))
		if err != nil {
			return nil, err
		}
		all = append(all, changed{saga.Seq, encoded})
	}
	return all, nil
}
