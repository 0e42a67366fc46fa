package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// stopTimeout is how long a worker may take to end when its input has: a service drains for 5 s at most.
const stopTimeout = 15 * time.Second

// child is a worker as the bench sees it.
type child struct {
	name     string
	pid      int
	stdin    io.WriteCloser
	messages chan message  // closed when its output ends
	exited   chan struct{} // closed when it has been waited for
	process  *exec.Cmd
	stderr   tail

	mu       sync.Mutex
	stopping bool
}

// start starts a worker. When it ends without having been told to, fail is called with what it said last.
func (c Config) start(name string, s spec, fail func(error)) (*child, error) {
	ch := &child{name: name, messages: make(chan message, 1024), exited: make(chan struct{})}
	cmd := exec.Command(c.Worker[0], c.Worker[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stderr = &ch.stderr
	cmd.SysProcAttr = childAttributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ch.process, ch.pid, ch.stdin = cmd, cmd.Process.Pid, stdin
	go ch.reap(stdout, fail)
	return ch, ch.send(s)
}

// reap reads what the child tells until it ends, and waits for it.
func (c *child) reap(stdout io.Reader, fail func(error)) {
	defer close(c.exited)
	var told error
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			told = fmt.Errorf("said %q", lines.Text())
			continue
		}
		if m.Event == eventFailed {
			told = errors.New(m.Error)
			continue
		}
		c.messages <- m
	}
	close(c.messages)
	err := c.process.Wait()
	c.mu.Lock()
	stopping := c.stopping
	c.mu.Unlock()
	if stopping && told == nil {
		return
	}
	if err == nil && told == nil {
		told = errors.New("without having been told to")
	}
	fail(fmt.Errorf("%s ended: %w\n%s", c.name, errors.Join(told, err), c.stderr.String()))
}

// send writes a line to the child. One that has ended is heard of by fail.
func (c *child) send(v any) error {
	if err := json.NewEncoder(c.stdin).Encode(v); err != nil {
		return fmt.Errorf("%s doesn't listen: %w", c.name, err)
	}
	return nil
}

// expect waits for an event; others are dropped.
func (c *child) expect(ctx context.Context, event string) (message, error) {
	for {
		m, err := c.next(ctx)
		if err != nil || m.Event == event {
			return m, err
		}
	}
}

// mark asks the child what it has measured since the last mark.
func (c *child) mark(ctx context.Context) (message, error) {
	if err := c.send(order{orderMark}); err != nil {
		return message{}, err
	}
	return c.expect(ctx, eventMarked)
}

func (c *child) next(ctx context.Context) (message, error) {
	select {
	case m, ok := <-c.messages:
		if !ok {
			<-c.exited // fail has been called
			if err := context.Cause(ctx); err != nil {
				return m, err
			}
			return m, fmt.Errorf("%s has ended", c.name)
		}
		return m, nil
	case <-ctx.Done():
		return message{}, context.Cause(ctx)
	}
}

// stop ends the child and returns when it has ended: by itself, or killed after stopTimeout.
func (c *child) stop() error {
	c.mu.Lock()
	c.stopping = true
	c.mu.Unlock()
	c.stdin.Close()
	go func() { // the child must not stand still because nobody listens
		for range c.messages {
		}
	}()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.exited:
		return nil
	case <-timer.C:
		_ = c.process.Process.Kill() // may just have ended
		<-c.exited
		return fmt.Errorf("%s didn't stop within %s", c.name, stopTimeout)
	}
}

// tail keeps the last of what a child writes to stderr.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if surplus := len(t.kept) - tailBytes; surplus > 0 {
		t.kept = append(t.kept[:0], t.kept[surplus:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
