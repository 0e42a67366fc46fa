package crashtest

import (
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

// proxy stands between one process and all brokers. It knows the moment by the requests that go by.
type proxy struct {
	*brokertest.Proxy

	mu   sync.Mutex
	trap *trap
}

// trap waits for a frame, and then acts once, while that frame's connection stands still. What it returns says whether the frame
// goes on.
type trap struct {
	key    kmsg.Key
	client string // part of the client's ID
	answer bool   // wait for an answer, else for a request
	bytes  int    // at least so large
	act    func() (pass bool)
}

func newProxy(brokers []string) (*proxy, error) {
	p := &proxy{}
	var err error
	p.Proxy, err = brokertest.NewProxy(brokers, p.look)
	return p, err
}

// addrs are where the process finds the brokers.
func (p *proxy) addrs() string { return strings.Join(p.Addrs(), ",") }

// set sets a trap, or takes away the one that is there.
func (p *proxy) set(t *trap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trap = t
}

func (p *proxy) look(e *brokertest.Exchange, answer bool, bytes int) (pass bool) {
	t := p.springs(e, answer, bytes)
	return t == nil || t.act()
}

// springs gives the trap if this is what it waits for, and takes it away.
func (p *proxy) springs(e *brokertest.Exchange, answer bool, bytes int) *trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.trap
	if t == nil || t.key != e.Key || t.answer != answer || bytes < t.bytes || !strings.Contains(e.Client, t.client) {
		return nil
	}
	p.trap = nil
	return t
}
