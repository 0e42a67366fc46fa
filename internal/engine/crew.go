package engine

import (
	"runtime"
	"sync"
	"time"
)

// crew are the goroutines that call handlers. Most handlers are done in microseconds: a few goroutines take them one after the other,
// as a goroutine for each would have to grow its stack anew, which was a tenth of what a hop costs. Handlers that wait for something
// hold their goroutine; so when calls have queued for a moment, more goroutines come to help, in the end one for each call.
type crew struct {
	call func(*execution)

	mu      sync.Mutex
	more    sync.Cond
	queue   []*execution
	front   int
	workers int // that are at it or wait for work
	idle    int
	alarm   *time.Timer // set while calls queue
	called  int         // since the alarm was set
	closed  bool
	wait    sync.WaitGroup
}

const (
	// helpAfter is how long calls may queue before more goroutines come: long beside a quick handler, short beside one that waits.
	helpAfter = 500 * time.Microsecond
	// quickCalls are how many calls in that time say that the queue is long, but moves: goroutines would not make it shorter.
	quickCalls = 32
	// helpers are how many come at a time, at most.
	helpers = 128
)

func newCrew(call func(*execution)) *crew {
	c := &crew{call: call}
	c.more.L = &c.mu
	return c
}

// run has an execution's handler called soon.
func (c *crew) run(e *execution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, e)
	switch {
	case c.idle > 0:
		c.more.Signal()
	case c.workers < runtime.GOMAXPROCS(0):
		c.hire()
		return
	}
	if c.alarm == nil {
		c.called = 0
		c.alarm = time.AfterFunc(helpAfter, c.help)
	}
}

func (c *crew) hire() {
	c.workers++
	c.wait.Go(c.work)
}

func (c *crew) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.awaitWork() {
		e := c.queue[c.front]
		c.queue[c.front] = nil
		if c.front++; c.front == len(c.queue) {
			c.queue, c.front = c.queue[:0], 0
		}
		c.mu.Unlock()
		c.call(e)
		c.mu.Lock()
		c.called++
	}
	c.workers--
}

// awaitWork is false when the goroutine isn't needed any more.
func (c *crew) awaitWork() bool {
	for c.front == len(c.queue) {
		if c.closed || c.idle >= runtime.GOMAXPROCS(0) {
			return false
		}
		c.idle++
		c.more.Wait()
		c.idle--
	}
	return true
}

// help comes when calls have queued for a moment: those that run may be waiting for something, or for each other.
func (c *crew) help() {
	c.mu.Lock()
	defer c.mu.Unlock()
	queued := len(c.queue) - c.front
	if queued == 0 {
		c.alarm = nil
		return
	}
	if c.called < quickCalls {
		for range min(queued, helpers) {
			c.hire()
		}
	}
	c.called = 0
	c.alarm = time.AfterFunc(helpAfter, c.help)
}

// dismiss ends the idle goroutines now and the others when there is nothing left to call; then the channel is closed.
func (c *crew) dismiss() <-chan struct{} {
	c.mu.Lock()
	c.closed = true
	c.more.Broadcast()
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.wait.Wait()
		close(done)
	}()
	return done
}
