// Package live is what all live streams of the console share: how many there may be, how often they send, and how
// Server-Sent Events are written. It imports the standard library and the console's problems.
package live

import (
	"context"
	"sync"

	"github.com/skald-saga/skald/internal/console/problem"
)

// Streams bounds how many clients follow live, and ends all of them on shutdown.
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

// Close ends all streams; later ones are refused.
func (s *Streams) Close() { s.end() }
