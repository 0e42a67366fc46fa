package crashtest

import (
	"bytes"
	"net"
	"sync"
)

// relay stands between one notifier and the mailbox. It knows the moment at which a mail is through.
type relay struct {
	net.Listener

	mailbox string
	wait    sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	mailed func() // called once, when the mailbox has been given a mail and its answer hasn't come back
}

func newRelay(mailbox string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{Listener: l, mailbox: mailbox, conns: map[net.Conn]bool{}}
	r.wait.Go(r.accept)
	return r, nil
}

// set says what to do at the next mail; nil for nothing.
func (r *relay) set(mailed func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mailed = mailed
}

func (r *relay) close() {
	r.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.wait.Wait()
}

func (r *relay) accept() {
	for {
		client, err := r.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.mailbox)
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.conns[client], r.conns[server] = true, true
		if r.closed {
			client.Close()
			server.Close()
		}
		r.mu.Unlock()
		r.wait.Go(func() { r.pump(client, server, r.look) })
		r.wait.Go(func() { r.pump(server, client, func([]byte) func() { return nil }) })
	}
}

// look gives what is to be done after a chunk from the client was passed on: a mail ends with a dot alone in its line.
func (r *relay) look(chunk []byte) func() {
	if !bytes.HasSuffix(chunk, []byte("\r\n.\r\n")) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	mailed := r.mailed
	r.mailed = nil
	return mailed
}

func (r *relay) pump(from, to net.Conn, look func([]byte) func()) {
	defer func() {
		from.Close()
		to.Close()
		r.mu.Lock()
		delete(r.conns, from)
		delete(r.conns, to)
		r.mu.Unlock()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		after := look(buffer[:n])
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
		if after != nil {
			after()
		}
	}
}
