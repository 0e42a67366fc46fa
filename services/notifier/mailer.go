package notifier

import (
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/skald-saga/skald"
)

// Defaults of [Config].
const (
	DefaultFrom        = "onboarding@example.com"
	DefaultConnections = 8
	DefaultTimeout     = 30 * time.Second
)

// maxIdle is how long a connection may lie idle and still be used. Servers close theirs after some minutes, and a firewall
// between may forget them without a word.
const maxIdle = 30 * time.Second

// Config says which mail server to use and how. The zero value of every field but Addr is its default.
type Config struct {
	// Addr is the SMTP server, host:port. STARTTLS is used if the server offers it.
	Addr string

	// From is the sender's address; its domain is also that of the Message-IDs. Default onboarding@example.com.
	From string

	// Username and Password log in to the server. With them STARTTLS is a must. Default none.
	Username, Password string

	// Connections is how many connections, and so mails at a time, there may be. Default 8.
	Connections int

	// Timeout bounds one mail, with waiting for a connection and connecting. Default 30 s.
	Timeout time.Duration
}

// Mailer sends mails over a few connections that it keeps. It is safe for concurrent use.
type Mailer struct {
	config  Config
	host    string
	options []mail.Option
	domain  string // of From

	slots  chan struct{} // one is taken for each mail on its way
	mu     sync.Mutex
	idle   []*connection // the one that was used last is at the end, and is the next to be used
	closed bool
}

// NewMailer checks the configuration. It doesn't connect: a mail server that isn't there yet is waited for by the engine.
func NewMailer(cfg Config) (*Mailer, error) {
	host, portText, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("mail server %q: host:port is wanted, e.g. 127.0.0.1:2525: %w", cfg.Addr, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("mail server %q: the port must be a number from 1 to 65535", cfg.Addr)
	}
	if cfg.From == "" {
		cfg.From = DefaultFrom
	}
	from, err := netmail.ParseAddress(cfg.From)
	if err != nil || from.Address != cfg.From {
		return nil, fmt.Errorf("sender %q: one plain mail address is wanted, e.g. %s", cfg.From, DefaultFrom)
	}
	if cfg.Connections == 0 {
		cfg.Connections = DefaultConnections
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Connections < 1 || cfg.Timeout < 0 {
		return nil, errors.New("mailer: Connections and Timeout must be positive")
	}
	_, domain, _ := strings.Cut(cfg.From, "@")
	return &Mailer{
		config: cfg, host: host, domain: domain, options: clientOptions(cfg, int(port)),
		slots: make(chan struct{}, cfg.Connections),
	}, nil
}

// Send hands a mail to the server and returns nil when the server has taken it. It goes out at least once: after an
// error it may have been taken all the same.
//
// The errors are Skald's: [skald.Unavailable] if the server isn't there, breaks off or takes no mail from us at all; [skald.Reject]
// if it refuses this recipient or this mail for good (SMTP 5yz); [skald.Poison] for a mail that can't be written; the context's if
// it has ended; and a plain one, to be tried again, if the server refuses it for now (SMTP 4yz).
func (m *Mailer) Send(ctx context.Context, letter Mail) error {
	msg, err := m.message(letter)
	if err != nil {
		return skald.Poison(err)
	}
	within, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
		err = m.deliver(within, msg)
	case <-within.Done():
		err = within.Err()
	}
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return skald.Unavailable(fmt.Errorf("mail server %s: a mail wasn't through within %s: %w", m.config.Addr, m.config.Timeout, err))
	}
	return m.explain(ctx, err)
}

// deliver takes an idle connection if there is one. If that turns out to be gone, the mail goes again by a new one: the other
// idle ones are as old or older.
func (m *Mailer) deliver(ctx context.Context, msg *mail.Msg) error {
	if c := m.takeIdle(); c != nil {
		if err := m.sendOver(ctx, c, msg); !isGone(err) || ctx.Err() != nil {
			return err
		}
	}
	c, err := m.connect(ctx)
	if err != nil {
		return err
	}
	return m.sendOver(ctx, c, msg)
}

// Close closes the connections that are idle; those in use are closed when their mail is through or its time is up. A Send from
// then on fails.
func (m *Mailer) Close() error {
	m.mu.Lock()
	idle := m.idle
	m.idle, m.closed = nil, true
	m.mu.Unlock()
	for _, c := range idle {
		c.quit()
	}
	return nil
}
