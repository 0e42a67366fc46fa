// Package live is what all live streams of the console share: how many there may be, how often they send, and how
// Server-Sent Events are written. It imports the standard library and the console's problems.
package live

import (
	"context"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
)

const (
	// Tick is the time between two updates of a client: it gets no more than ten a second.
	Tick = 100 * time.Millisecond
	// perUpdate is that time for each client, when there are many: all together get 200 updates a second.
	perUpdate = 5 * time.Millisecond
	// perSecond is how many events of lists that grow with the load all clients together get in a second.
	perSecond = 50_000
)

// Streams bounds how many clients follow live and what all of them together may cost, and ends them on shutdown.
type Streams struct {
	mu   sync.Mutex
	open int
	most int
	life context.Context // ends with Close
	end  context.CancelFunc
}

// NewStreams allows so many clients at once.
func NewStreams(most int) *Streams {
	life, end := context.WithCancel(context.Background())
	return &Streams{most: most, life: life, end: end}
}

// Enter takes a place until leave is called, or fails at once if there is none. The context also ends with Close.
func (s *Streams) Enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return nil, nil, problem.ErrClosing
	}
	if s.open >= s.most {
		return nil, nil, problem.ErrTooManyStreams
	}
	s.open++
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() {
		stop()
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}, nil
}

// Tick is the time between two updates of each client as things are: longer than [Tick] when many follow, so that the services of the same
// machine are not slowed by who looks at them.
func (s *Streams) Tick() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(Tick, time.Duration(s.open)*perUpdate)
}

// Share is how many events one update of a client may bring as things are, at least 1.
func (s *Streams) Share() int {
	tick := s.Tick()
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(1, int(perSecond*tick.Seconds())/max(1, s.open))
}

// Close ends all streams; later ones are refused.
func (s *Streams) Close() { s.end() }

// Pace lets through one pass of a client's stream per tick.
func (s *Streams) Pace() *Pace { return &Pace{streams: s} }

// Pace is when a client gets its next update.
type Pace struct {
	streams *Streams
	last    time.Time
}

// Wait returns false when ctx has ended.
func (p *Pace) Wait(ctx context.Context) bool {
	rest := time.NewTimer(time.Until(p.last.Add(p.streams.Tick())))
	defer rest.Stop()
	select {
	case <-rest.C:
		p.last = time.Now()
		return true
	case <-ctx.Done():
		return false
	}
}
