package crashtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// proxy stands between one process and all brokers. It knows the moment by the requests that go by, and can hold everything.
// Brokers tell clients where to connect, so it puts addresses of its own into their answers.
type proxy struct {
	listeners map[string]net.Listener // by broker
	wait      sync.WaitGroup

	mu     sync.Mutex
	conns  map[*proxyConn]bool
	flow   chan struct{} // closed while traffic flows
	trap   *trap
	closed bool
	away   bool
	broken error // what the proxy didn't understand
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

type proxyConn struct {
	client, broker net.Conn
	mu             sync.Mutex
	open           map[int32]openRequest // by correlation ID
}

type openRequest struct {
	client  string
	key     kmsg.Key
	version int16
}

func newProxy(brokers []string) (*proxy, error) {
	p := &proxy{listeners: map[string]net.Listener{}, conns: map[*proxyConn]bool{}, flow: make(chan struct{})}
	close(p.flow)
	for _, broker := range brokers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.close()
			return nil, err
		}
		p.listeners[broker] = l
		p.wait.Go(func() { p.accept(l, broker) })
	}
	return p, nil
}

// addrs are where the process finds the brokers.
func (p *proxy) addrs() string {
	var all []string
	for _, l := range p.listeners {
		all = append(all, l.Addr().String())
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// set sets a trap, or takes away the one that is there.
func (p *proxy) set(t *trap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trap = t
}

// hold stops all traffic until release.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flow = make(chan struct{})
}

// leave ends all connections, and takes no new ones until the brokers come back.
func (p *proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for c := range p.conns {
		c.close()
	}
}

func (p *proxy) comeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

func (p *proxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

// close ends all and says what was not understood.
func (p *proxy) close() error {
	p.release()
	p.mu.Lock()
	p.closed = true
	for _, l := range p.listeners {
		l.Close()
	}
	for c := range p.conns {
		c.close()
	}
	p.mu.Unlock()
	p.wait.Wait()
	return p.broken
}

func (p *proxy) accept(l net.Listener, addr string) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", addr)
		if err != nil { // it is down
			client.Close()
			continue
		}
		c := &proxyConn{client: client, broker: broker, open: map[int32]openRequest{}}
		p.mu.Lock()
		p.conns[c] = true
		if p.closed || p.away {
			c.close()
		}
		p.mu.Unlock()
		p.wait.Go(func() { p.pump(c, c.client, c.broker, p.request) })
		p.wait.Go(func() { p.pump(c, c.broker, c.client, p.answered) })
	}
}

func (c *proxyConn) close() {
	c.client.Close()
	c.broker.Close()
}

// pump passes frames on until either end closes. look may change one, or end the connection by returning none.
func (p *proxy) pump(c *proxyConn, from io.Reader, to io.Writer, look func(*proxyConn, []byte) []byte) {
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
		flow := p.flow
		p.mu.Unlock()
		<-flow
		if frame = look(c, frame); frame == nil {
			return
		}
		binary.BigEndian.PutUint32(size[:], uint32(len(frame)))
		if _, err := to.Write(append(size[:], frame...)); err != nil {
			return
		}
	}
}

// springs gives the trap if this is what it waits for, and takes it away.
func (p *proxy) springs(r openRequest, answer bool, bytes int) *trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.trap
	if t == nil || t.key != r.key || t.answer != answer || bytes < t.bytes || !strings.Contains(r.client, t.client) {
		return nil
	}
	p.trap = nil
	return t
}

func (p *proxy) request(c *proxyConn, frame []byte) []byte {
	r := openRequest{key: kmsg.Key(binary.BigEndian.Uint16(frame)), version: int16(binary.BigEndian.Uint16(frame[2:]))}
	r.client = string(frame[10 : 10+int(binary.BigEndian.Uint16(frame[8:]))])
	c.mu.Lock()
	c.open[int32(binary.BigEndian.Uint32(frame[4:]))] = r
	c.mu.Unlock()
	if t := p.springs(r, false, len(frame)); t != nil && !t.act() {
		return nil
	}
	return frame
}

func (p *proxy) answered(c *proxyConn, frame []byte) []byte {
	id := int32(binary.BigEndian.Uint32(frame))
	c.mu.Lock()
	r, known := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	if t := p.springs(r, true, len(frame)); t != nil && !t.act() {
		return nil
	}
	if !known || !slices.Contains([]kmsg.Key{kmsg.Metadata, kmsg.FindCoordinator, kmsg.Produce, kmsg.Fetch}, r.key) {
		return frame
	}
	changed, err := p.rewrite(r, frame)
	if err != nil {
		p.mu.Lock()
		p.broken = fmt.Errorf("proxy: answer to %s %d: %w", r.key.Name(), r.version, err)
		p.mu.Unlock()
	}
	return changed
}

// rewrite puts the proxy's addresses in place of the brokers'.
func (p *proxy) rewrite(r openRequest, frame []byte) ([]byte, error) {
	response := kmsg.ResponseForKey(r.key.Int16())
	response.SetVersion(r.version)
	body := kbin.Reader{Src: frame[4:]}
	if response.IsFlexible() {
		kmsg.SkipTags(&body)
	}
	if err := response.ReadFrom(body.Src); err != nil {
		return nil, err
	}
	switch m := response.(type) {
	case *kmsg.MetadataResponse:
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		p.replace(&m.Host, &m.Port)
		for i := range m.Coordinators {
			p.replace(&m.Coordinators[i].Host, &m.Coordinators[i].Port)
		}
	case *kmsg.ProduceResponse: // where the leader is now (KIP-951)
		if len(m.Brokers) == 0 {
			return frame, nil
		}
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	case *kmsg.FetchResponse:
		if len(m.Brokers) == 0 {
			return frame, nil
		}
		for i := range m.Brokers {
			p.replace(&m.Brokers[i].Host, &m.Brokers[i].Port)
		}
	}
	out := slices.Clone(frame[:4])
	if response.IsFlexible() {
		out = append(out, 0)
	}
	return response.AppendTo(out), nil
}

func (p *proxy) replace(host *string, port *int32) {
	if l := p.listeners[net.JoinHostPort(*host, strconv.Itoa(int(*port)))]; l != nil {
		addr := l.Addr().(*net.TCPAddr)
		*host, *port = addr.IP.String(), int32(addr.Port)
	}
}
