package engine_test

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/brokertest"
)

// proxy stands between one session and the broker, so that a test can see, hold and lose what goes between them. Brokers tell
// clients where to connect, so it puts its own address into their answers.
type proxy struct {
	t        *testing.T
	broker   string
	listener net.Listener
	wait     sync.WaitGroup

	mu    sync.Mutex
	conns map[*proxyConn]bool
	cut   chan struct{} // closed while traffic flows
	seen  []proxyRequest
	watch chan struct{} // closed at each request
	lose  func(proxyRequest) bool
	ended bool
}

type proxyRequest struct {
	client string
	key    kmsg.Key
}

type proxyConn struct {
	client, broker net.Conn
	mu             sync.Mutex
	open           map[int32]*openRequest // by correlation ID
}

type openRequest struct {
	proxyRequest
	version int16
	lose    bool
}

func newProxy(t *testing.T, b brokertest.Broker) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, broker: b.Addrs[0], listener: l, conns: map[*proxyConn]bool{}, cut: make(chan struct{}), watch: make(chan struct{})}
	close(p.cut)
	p.wait.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	p.heal()
	p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.conns {
		c.close()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

// sever holds everything from now on; heal lets it go on, with nothing lost.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = make(chan struct{})
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.cut:
	default:
		close(p.cut)
	}
}

// loseAnswers closes connections in place of passing on the answers to the chosen requests, which the broker has carried out.
func (p *proxy) loseAnswers(to func(proxyRequest) bool) {
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
func (p *proxy) awaitRequests(n int, match func(proxyRequest) bool) {
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
func (p *proxy) count(match func(proxyRequest) bool) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.seen {
		if match(r) {
			n++
		}
	}
	return n
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", p.broker)
		if err != nil {
			client.Close()
			continue
		}
		c := &proxyConn{client: client, broker: broker, open: map[int32]*openRequest{}}
		p.mu.Lock()
		p.conns[c] = true
		if p.ended {
			c.close()
		}
		p.mu.Unlock()
		p.wait.Go(func() { p.pump(c, c.client, c.broker, c.request) })
		p.wait.Go(func() { p.pump(c, c.broker, c.client, c.answer) })
	}
}

func (c *proxyConn) close() {
	c.client.Close()
	c.broker.Close()
}

// pump passes frames on until either end closes.
func (p *proxy) pump(c *proxyConn, from io.Reader, to io.Writer, look func(*proxy, []byte) []byte) {
	defer func() {
		c.close()
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	}()
	for {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(from, frame); err != nil {
			return
		}
		p.mu.Lock()
		cut := p.cut
		p.mu.Unlock()
		<-cut
		frame = look(p, frame)
		if frame == nil {
			return
		}
		binary.BigEndian.PutUint32(size[:], uint32(len(frame)))
		if _, err := to.Write(append(size[:], frame...)); err != nil {
			return
		}
	}
}

func (c *proxyConn) request(p *proxy, frame []byte) []byte {
	r := &openRequest{version: int16(binary.BigEndian.Uint16(frame[2:]))}
	r.key = kmsg.Key(binary.BigEndian.Uint16(frame))
	n := int(binary.BigEndian.Uint16(frame[8:]))
	r.client = string(frame[10 : 10+n])
	p.mu.Lock()
	r.lose = p.lose != nil && p.lose(r.proxyRequest)
	p.seen = append(p.seen, r.proxyRequest)
	close(p.watch)
	p.watch = make(chan struct{})
	p.mu.Unlock()
	c.mu.Lock()
	c.open[int32(binary.BigEndian.Uint32(frame[4:]))] = r
	c.mu.Unlock()
	return frame
}

func (c *proxyConn) answer(p *proxy, frame []byte) []byte {
	id := int32(binary.BigEndian.Uint32(frame))
	c.mu.Lock()
	r := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	switch {
	case r == nil:
		return frame
	case r.lose:
		return nil
	case !slices.Contains([]kmsg.Key{kmsg.Metadata, kmsg.FindCoordinator}, r.key):
		return frame
	}
	response := kmsg.ResponseForKey(r.key.Int16())
	response.SetVersion(r.version)
	body := kbin.Reader{Src: frame[4:]}
	if response.IsFlexible() {
		kmsg.SkipTags(&body)
	}
	if err := response.ReadFrom(body.Src); err != nil {
		p.t.Errorf("proxy: %s: %v", r.key.Name(), err)
		return nil
	}
	host, port := p.hostPort()
	switch m := response.(type) {
	case *kmsg.MetadataResponse:
		for i := range m.Brokers {
			m.Brokers[i].Host, m.Brokers[i].Port = host, port
		}
	case *kmsg.FindCoordinatorResponse:
		m.Host, m.Port = host, port
		for i := range m.Coordinators {
			m.Coordinators[i].Host, m.Coordinators[i].Port = host, port
		}
	}
	out := slices.Clone(frame[:4])
	if response.IsFlexible() {
		out = append(out, 0)
	}
	return response.AppendTo(out)
}

func (p *proxy) hostPort() (string, int32) {
	host, port, _ := net.SplitHostPort(p.addr())
	n, _ := strconv.Atoi(port)
	return host, int32(n)
}

func ofClient(part string, key kmsg.Key) func(proxyRequest) bool {
	return func(r proxyRequest) bool { return r.key == key && strings.Contains(r.client, part) }
}
