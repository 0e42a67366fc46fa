package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// Tick is the time between two updates: a client gets no more than ten a second.
	Tick = 100 * time.Millisecond
	// Heartbeat is the time between two comments, so that a dead connection is noticed on both sides.
	Heartbeat = 15 * time.Second
	// writeTimeout is how long a client may take to read what it was sent before it is dropped.
	writeTimeout = 10 * time.Second
)

// Writer writes Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
type Writer struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
}

// NewWriter begins a stream as the answer to a request.
func NewWriter(w http.ResponseWriter) *Writer {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &Writer{w: w, rc: http.NewResponseController(w)}
}

// Event adds an event; [Writer.Flush] sends it. Data is one line of JSON, so it needs no splitting.
func (e *Writer) Event(name, id string, data any) error {
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

// Comment adds a line that clients pass over.
func (e *Writer) Comment() { e.buf.WriteString(":\n\n") }

// Flush sends what was added. A client that doesn't read it in time is an error.
func (e *Writer) Flush() error {
	if err := e.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := e.buf.WriteTo(e.w); err != nil {
		return err
	}
	return e.rc.Flush()
}

// Pace lets through one pass per Tick.
type Pace struct{ last time.Time }

// Wait returns false when ctx has ended.
func (p *Pace) Wait(ctx context.Context) bool {
	rest := time.NewTimer(time.Until(p.last.Add(Tick)))
	defer rest.Stop()
	select {
	case <-rest.C:
		p.last = time.Now()
		return true
	case <-ctx.Done():
		return false
	}
}
