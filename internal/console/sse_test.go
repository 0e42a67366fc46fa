package console

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

// sseEvent is one Server-Sent Event; a comment has the name ":".
type sseEvent struct{ name, id, data string }

// sseClient reads a live stream as a browser does.
type sseClient struct {
	t      *testing.T
	events chan sseEvent
	cancel context.CancelFunc
	status int
	lastID string
}

// follow connects; it is over when the test is.
func follow(t *testing.T, url, lastEventID string) *sseClient {
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
	c := &sseClient{t: t, events: make(chan sseEvent, 10_000), cancel: cancel, status: response.StatusCode}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.events)
		defer response.Body.Close()
		var e sseEvent
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case ":":
				e.name = ":"
			case "":
				c.events <- e
				e = sseEvent{}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// next gives the next event of a name.
func (c *sseClient) next(name string) sseEvent {
	c.t.Helper()
	for {
		if e := c.any(); e.name == name {
			return e
		}
	}
}

// any gives the next event, whatever it is.
func (c *sseClient) any() sseEvent {
	c.t.Helper()
	select {
	case e, ok := <-c.events:
		if !ok {
			c.t.Fatal("the stream has ended")
		}
		if e.id != "" {
			c.lastID = e.id
		}
		return e
	case <-time.After(patience):
		c.t.Fatalf("no event within %s", patience)
		return sseEvent{}
	}
}

// ended waits until the server has closed the stream.
func (c *sseClient) ended() {
	c.t.Helper()
	deadline := time.After(patience)
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

func (c *sseClient) patch() patch {
	c.t.Helper()
	return decoded[patch](c.t, c.next("patch").data)
}

func decoded[T any](t *testing.T, data string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%s: %s", err, data)
	}
	return v
}
