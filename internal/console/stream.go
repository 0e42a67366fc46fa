package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	tick         = 100 * time.Millisecond // a client gets no more than ten updates a second
	heartbeat    = 15 * time.Second       // a comment, so that a dead connection is noticed on both sides
	writeTimeout = 10 * time.Second       // a client that takes longer to read what it was sent is dropped
)

// streams bounds how many clients follow live, and ends all of them on shutdown.
type streams struct {
	mu    sync.Mutex
	open  int
	max   int
	life  context.Context // ends with close
	close context.CancelFunc
}

func newStreams(limit int) *streams {
	life, end := context.WithCancel(context.Background())
	return &streams{max: limit, life: life, close: end}
}

// enter takes a place, or fails at once if there is none.
func (s *streams) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return errClosing
	}
	if s.open >= s.max {
		return errTooManyStreams
	}
	s.open++
	return nil
}

// leave gives the place back.
func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// bound gives a context that also ends with close.
func (s *streams) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// eventWriter writes Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &eventWriter{w: w, rc: http.NewResponseController(w)}
}

// event adds an event; flush sends it. Data is one line of JSON, so it needs no splitting.
func (e *eventWriter) event(name, id string, data any) error {
	line, err := json.Marshal(data)
	if err != nil {
		return err
	}
	fmt.Fprintf(&e.buf, "event: %s\n", name)
	if id != "" {
		fmt.Fprintf(&e.buf, "id: %s\n", id)
	}
	fmt.Fprintf(&e.buf, "data: %s\n\n", line)
	return nil
}

func (e *eventWriter) comment() { e.buf.WriteString(":\n\n") }

func (e *eventWriter) flush() error {
	if err := e.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := e.buf.WriteTo(e.w); err != nil {
		return err
	}
	return e.rc.Flush()
}

// pace lets through one pass per tick.
type pace struct{ last time.Time }

// wait returns false when ctx has ended.
func (p *pace) wait(ctx context.Context) bool {
	rest := time.NewTimer(time.Until(p.last.Add(tick)))
	defer rest.Stop()
	select {
	case <-rest.C:
		p.last = time.Now()
		return true
	case <-ctx.Done():
		return false
	}
}
