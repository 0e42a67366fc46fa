package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress is a bar on a terminal, redrawn at most ten times a second; elsewhere it says nothing.
type progress struct {
	*terminal
	mu     sync.Mutex
	total  int
	n      int
	drawn  time.Time
	silent bool
}

func (c *terminal) newProgress(total int) *progress {
	return &progress{terminal: c, total: total, silent: total < 2 || !isTerminal(c.err)}
}

func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	if p.silent || time.Since(p.drawn) < 100*time.Millisecond {
		return
	}
	p.draw()
}

func (p *progress) draw() {
	const width = 40
	filled := width * p.n / p.total
	p.drawn = time.Now()
	fmt.Fprintf(p.err, "\r[%s%s] %d of %d", strings.Repeat("#", filled), strings.Repeat(".", width-filled), p.n, p.total)
}

// done draws the bar a last time and leaves its line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.silent {
		p.draw()
		fmt.Fprintln(p.err)
	}
}
