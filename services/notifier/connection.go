package notifier

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/wneessen/go-mail"
)

var errClosed = errors.New("the mailer is closed")

// quitTimeout bounds the goodbye to a server.
const quitTimeout = time.Second

// connection is one to the mail server, logged in. Its owner alone uses it.
type connection struct {
	client *mail.Client
	net    net.Conn // beneath the client, which can't be interrupted otherwise
	used   time.Time
}

// clientOptions leave out go-mail's NOOP before a mail and RSET after it. A connection that is gone shows at the next command
// as well; and after a mail that was taken there is nothing to reset (RFC 5321, section 4.1.1.4), while an RSET that fails would make
// it look as if it hadn't been. After MAIL or RCPT was refused, go-mail says RSET by itself. Its own timeout is never the first: what
// bounds a mail is its context.
func clientOptions(cfg Config, port int) []mail.Option {
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(2 * cfg.Timeout),
		mail.WithoutNoop(), mail.WithoutRset(),
	}
	if cfg.Username == "" {
		return append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	return append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
		mail.WithUsername(cfg.Username), mail.WithPassword(cfg.Password))
}

// connect is ended by ctx at whatever it does, by closing the connection under it.
func (m *Mailer) connect(ctx context.Context) (*connection, error) {
	if m.isClosed() {
		return nil, errClosed
	}
	c := &connection{}
	stop := func() bool { return true }
	dial := mail.WithDialContextFunc(func(dialCtx context.Context, network, addr string) (conn net.Conn, err error) {
		conn, err = (&net.Dialer{}).DialContext(dialCtx, network, addr)
		if err == nil {
			c.net = conn
			stop = context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	})
	var err error
	c.client, err = mail.NewClient(m.host, append(slices.Clip(m.options), dial)...)
	if err != nil {
		return nil, err
	}
	err = c.client.DialWithContext(ctx)
	if !stop() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		if c.net != nil { // go-mail leaves it open when the server's greeting or the login fails
			c.net.Close()
		}
		return nil, err
	}
	return c, nil
}

// sendOver gives the connection back for the next mail, unless it isn't fit for one.
func (m *Mailer) sendOver(ctx context.Context, c *connection, msg *mail.Msg) error {
	stop := context.AfterFunc(ctx, func() { c.net.Close() })
	err := c.client.Send(msg)
	interrupted := !stop()
	if interrupted || !isReady(err) {
		c.net.Close()
	} else {
		m.giveBack(c)
	}
	return err
}

// takeIdle gives nil if there is none.
func (m *Mailer) takeIdle() *connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.idle) > 0 {
		c := m.idle[len(m.idle)-1]
		m.idle = m.idle[:len(m.idle)-1]
		if time.Since(c.used) < maxIdle {
			return c
		}
		c.net.Close()
	}
	return nil
}

func (m *Mailer) giveBack(c *connection) {
	c.used = time.Now()
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.idle = append(m.idle, c)
	}
	m.mu.Unlock()
	if closed {
		c.quit()
	}
}

func (m *Mailer) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// quit says goodbye as RFC 5321 wants it, and doesn't wait long for the answer.
func (c *connection) quit() {
	_ = c.net.SetDeadline(time.Now().Add(quitTimeout))
	_ = c.client.Close()
	_ = c.net.Close()
}
