package engine_test

import (
	"sync"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
)

// proxy stands between one session and the broker. It counts requests, and loses answers.
type proxy struct {
	*brokertest.Proxy
	t *testing.T

	mu    sync.Mutex
	seen  []*brokertest.Exchange
	watch chan struct{} // closed at each request
	lose  func(*brokertest.Exchange) bool
	lost  map[*brokertest.Exchange]bool
}

func newProxy(t *testing.T, b brokertest.Broker) *proxy {
	t.Helper()
	p := &proxy{t: t, watch: make(chan struct{}), lost: map[*brokertest.Exchange]bool{}}
	var err error
	if p.Proxy, err = brokertest.NewProxy(b.Addrs[:1], p.look); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *proxy) addr() string { return p.Addrs()[0] }

// loseAnswers closes connections in place of passing on the answers to the chosen requests, which the broker has carried out.
func (p *proxy) loseAnswers(to func(*brokertest.Exchange) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = to
}

// forget makes awaitRequests count from here.
func (p *proxy) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// awaitRequests waits until n requests that match have come by since the proxy was started, or forgot.
func (p *proxy) awaitRequests(n int, match func(*brokertest.Exchange) bool) {
	p.t.Helper()
	ctx, cancel := testContext(p.t)
	defer cancel()
	for {
		p.mu.Lock()
		watch := p.watch
		p.mu.Unlock()
		count := p.count(match)
		if count >= n {
			return
		}
		select {
		case <-watch:
		case <-ctx.Done():
			p.t.Fatalf("saw %d such requests, want %d", count, n)
		}
	}
}

// count gives how many requests that match have come by since the proxy was started, or forgot.
func (p *proxy) count(match func(*brokertest.Exchange) bool) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.seen {
		if match(e) {
			n++
		}
	}
	return n
}

func (p *proxy) look(e *brokertest.Exchange, answer bool, _ int) (pass bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer {
		return !p.lost[e]
	}
	if p.lose != nil && p.lose(e) {
		p.lost[e] = true
	}
	p.seen = append(p.seen, e)
	close(p.watch)
	p.watch = make(chan struct{})
	return true
}
