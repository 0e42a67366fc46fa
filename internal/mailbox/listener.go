package mailbox

import (
	"net"
	"sync"
)

// maxConns is far more than any client here needs. It bounds what a client gone wild can take.
const maxConns = 256

// listener knows its connections, so that they can be ended while go-smtp still waits for their next command.
type listener struct {
	net.Listener
	close  sync.Once
	closed error

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Accept closes what comes in beyond maxConns without a word.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		free := len(l.conns) < maxConns
		if free {
			l.conns[conn] = true
		}
		l.mu.Unlock()
		if free {
			return &trackedConn{conn, l}, nil
		}
		_ = conn.Close()
	}
}

// Close may be called again, as go-smtp does.
func (l *listener) Close() error {
	l.close.Do(func() { l.closed = l.Listener.Close() })
	return l.closed
}

func (l *listener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	listener *listener
}

func (c *trackedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c.Conn)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
