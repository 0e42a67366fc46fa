package live

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// Heartbeat is the time between two comments, so that a dead connection is noticed on both sides.
	Heartbeat = 15 * time.Second
	// writeTimeout is how long a client may take to read what it was sent before it is dropped.
	writeTimeout = 10 * time.Second
	// enough bytes for a write.
	enough = 16 << 10
)

// Writer writes Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
type Writer struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf bytes.Buffer
	err error // of a write before Flush
}

// NewWriter begins a stream as the answer to a request.
func NewWriter(w http.ResponseWriter) *Writer {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &Writer{w: w, rc: http.NewResponseController(w)}
}

// Event adds an event; [Writer.Flush] sends it.
func (e *Writer) Event(name, id string, data any) error {
	event, err := Event(name, id, data)
	e.Add(event)
	return err
}

// Event is an event as it is sent, for more than one client. Data is one line of JSON, so it needs no splitting.
func Event(name, id string, data any) ([]byte, error) {
	line, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	event := append(append(make([]byte, 0, len(line)+64), "event: "...), name...)
	if id != "" {
		event = append(append(event, "\nid: "...), id...)
	}
	return append(append(append(event, "\ndata: "...), line...), "\n\n"...), nil
}

// Add adds what Event has made. More than some is written at once, so that hundreds of clients need no large buffers.
func (e *Writer) Add(event []byte) {
	e.buf.Write(event)
	if e.buf.Len() >= enough && e.err == nil {
		e.err = e.write()
	}
}

// Comment adds a line that clients pass over.
func (e *Writer) Comment() { e.buf.WriteString(":\n\n") }

// Flush sends what was added. A client that doesn't read it in time is an error.
func (e *Writer) Flush() error {
	if e.err != nil {
		return e.err
	}
	if err := e.write(); err != nil {
		return err
	}
	return e.rc.Flush()
}

func (e *Writer) write() error {
	if err := e.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := e.buf.WriteTo(e.w)
	return err
}
