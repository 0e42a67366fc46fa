package brokertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Exchange is a request to a broker, and its answer.
type Exchange struct {
	Client string // ID of the client
	Key    kmsg.Key

	version int16
}

// Watch is told of every request, and of every answer before it's passed on; bytes is the size of the frame. The connection stands
// still meanwhile, and is closed in place of passing the frame on if Watch says so.
type Watch func(e *Exchange, answer bool, bytes int) (pass bool)

// Proxy stands between clients and brokers: a test sees what goes by, can hold all of it, and can lose a request or an answer.
// Brokers tell clients where to connect, so it puts addresses of its own into their answers.
type Proxy struct {
	watch     Watch
	listeners map[string]net.Listener // by broker
	wait      sync.WaitGroup

	mu     sync.Mutex
	conns  map[*proxied]bool
	flow   chan struct{} // closed while traffic flows
	closed bool
	away   bool
	broken error
}

// proxied is one connection of a client, and its own to a broker.
type proxied struct {
	client, broker net.Conn
	mu             sync.Mutex
	open           map[int32]*Exchange // by correlation ID
}

func (c *proxied) close() {
	c.client.Close()
	c.broker.Close()
}

// NewProxy stands before the brokers at these addresses until Close.
func NewProxy(brokers []string, watch Watch) (*Proxy, error) {
	p := &Proxy{watch: watch, listeners: map[string]net.Listener{}, conns: map[*proxied]bool{}, flow: make(chan struct{})}
	close(p.flow)
	for _, broker := range brokers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.listeners[broker] = l
		p.wait.Go(func() { p.accept(l, broker) })
	}
	return p, nil
}

// Addrs are where clients find the brokers.
func (p *Proxy) Addrs() []string {
	var all []string
	for _, l := range p.listeners {
		all = append(all, l.Addr().String())
	}
	slices.Sort(all)
	return all
}

// Hold lets nothing pass until Release, and loses nothing.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flow = make(chan struct{})
}

// Release lets all go on.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

// Leave ends all connections, and takes no new ones until ComeBack.
func (p *Proxy) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for c := range p.conns {
		c.close()
	}
}

// ComeBack takes connections again.
func (p *Proxy) ComeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// Close ends all connections, and says what the proxy didn't understand.
func (p *Proxy) Close() error {
	p.Release()
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

func (p *Proxy) accept(l net.Listener, addr string) {
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
		c := &proxied{client: client, broker: broker, open: map[int32]*Exchange{}}
		p.mu.Lock()
		p.conns[c] = true
		if p.closed || p.away {
			c.close()
		}
		p.mu.Unlock()
		p.wait.Go(func() { p.pump(c, c.client, c.broker, p.request) })
		p.wait.Go(func() { p.pump(c, c.broker, c.client, p.answer) })
	}
}

// pump passes frames on until either end closes. look may change one, or end the connection by returning none.
func (p *Proxy) pump(c *proxied, from io.Reader, to io.Writer, look func(*proxied, []byte) []byte) {
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

// request reads the head that every request has: https://kafka.apache.org/protocol#protocol_messages
func (p *Proxy) request(c *proxied, frame []byte) []byte {
	e := &Exchange{Key: kmsg.Key(binary.BigEndian.Uint16(frame)), version: int16(binary.BigEndian.Uint16(frame[2:]))}
	e.Client = string(frame[10 : 10+int(binary.BigEndian.Uint16(frame[8:]))])
	c.mu.Lock()
	c.open[int32(binary.BigEndian.Uint32(frame[4:]))] = e
	c.mu.Unlock()
	if !p.watch(e, false, len(frame)) {
		return nil
	}
	return frame
}

func (p *Proxy) answer(c *proxied, frame []byte) []byte {
	id := int32(binary.BigEndian.Uint32(frame))
	c.mu.Lock()
	e := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	if e == nil {
		return frame
	}
	if !p.watch(e, true, len(frame)) {
		return nil
	}
	changed, err := p.rewrite(e, frame)
	if err != nil {
		p.mu.Lock()
		p.broken = fmt.Errorf("proxy: answer to %s %d: %w", e.Key.Name(), e.version, err)
		p.mu.Unlock()
	}
	return changed
}

// OfClient chooses requests of one kind of clients whose ID has a part.
func OfClient(part string, key kmsg.Key) func(*Exchange) bool {
	return func(e *Exchange) bool { return e.Key == key && strings.Contains(e.Client, part) }
}
