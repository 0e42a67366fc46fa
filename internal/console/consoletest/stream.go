package consoletest

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come.
const Patience = 10 * time.Second

// Event is one Server-Sent Event; a comment has the name ":".
type Event struct{ Name, ID, Data string }

// Stream reads a live stream as a browser does.
type Stream struct {
	t      *testing.T
	events chan Event
	Cancel context.CancelFunc
	Status int
	Header http.Header
	LastID string
}

// Follow connects; it is over when the test is.
func Follow(t *testing.T, url, lastEventID string) *Stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r) //nolint:bodyclose // the reader closes it
	if err != nil {
		t.Fatal(err)
	}
	c := &Stream{t: t, events: make(chan Event, 10_000), Cancel: cancel, Status: response.StatusCode, Header: response.Header}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.events)
		defer response.Body.Close()
		var e Event
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.Name = value
			case "id":
				e.ID = value
			case "data":
				e.Data = value
			case ":":
				e.Name = ":"
			case "":
				c.events <- e
				e = Event{}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// Next gives the next event of a name.
func (c *Stream) Next(name string) Event {
	c.t.Helper()
	for {
		if e := c.Any(); e.Name == name {
			return e
		}
	}
}

// Any gives the next event, whatever it is.
func (c *Stream) Any() Event {
	c.t.Helper()
	select {
	case e, ok := <-c.events:
		if !ok {
			c.t.Fatal("the stream has ended")
		}
		if e.ID != "" {
			c.LastID = e.ID
		}
		return e
	case <-time.After(Patience):
		c.t.Fatalf("no event within %s", Patience)
		return Event{}
	}
}

// Ended waits until the server has closed the stream.
func (c *Stream) Ended() {
	c.t.Helper()
	deadline := time.After(Patience)
	for {
		select {
		case _, ok := <-c.events:
			if !ok {
				return
			}
		case <-deadline:
			c.t.Fatal("the stream goes on")
		}
	}
}

// Decoded reads JSON.
func Decoded[T any](t *testing.T, data string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%s: %s", err, data)
	}
	return v
}
