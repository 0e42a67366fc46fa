package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Defaults of [Config].
const (
	DefaultAddr = "127.0.0.1:0"
	DefaultKeep = 10_000
)

const (
	maxMail       = 1 << 20 // bytes of one mail as it comes in
	maxKept       = 64 << 20
	maxRecipients = 50
	idleTimeout   = 5 * time.Minute // RFC 5321, section 4.5.3.2.7
	writeTimeout  = 10 * time.Second
	closeTimeout  = 5 * time.Second
)

// Config says how the mailbox runs. Its zero value is useful.
type Config struct {
	// Addr is the loopback address to listen on. Port 0 takes a free one. Default 127.0.0.1:0.
	Addr string

	// Keep is how many of the newest mails are kept whole; those over 64 MiB together are dropped as well. Default 10,000.
	Keep int

	// Logger takes what goes wrong with a connection, at level debug. Default slog.Default().
	Logger *slog.Logger
}

// Mailbox is a running mail server and what it has taken. Its methods are safe for concurrent use.
type Mailbox struct {
	*box
	listener *listener
	server   *smtp.Server
	served   chan struct{}
	close    sync.Once
	closed   error
}

// Start listens and takes mails until Close. The error for an address that is taken wraps syscall.EADDRINUSE.
func Start(cfg Config) (*Mailbox, error) {
	if cfg.Addr == "" {
		cfg.Addr = DefaultAddr
	}
	if cfg.Keep == 0 {
		cfg.Keep = DefaultKeep
	}
	if cfg.Keep < 0 {
		return nil, fmt.Errorf("mailbox: keeping %d mails: it must be at least 1", cfg.Keep)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if err := checkLoopback(cfg.Addr); err != nil {
		return nil, err
	}
	tcp, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	m := &Mailbox{
		box:      newBox(cfg.Keep, maxKept),
		listener: &listener{Listener: tcp, conns: map[net.Conn]bool{}},
		served:   make(chan struct{}),
	}
	m.server = newServer(m.box, cfg.Logger)
	go func() {
		defer close(m.served)
		if err := m.server.Serve(m.listener); err != nil && !errors.Is(err, net.ErrClosed) {
			cfg.Logger.Error("the mailbox takes no more mails", "error", err)
		}
	}()
	return m, nil
}

func newServer(b *box, logger *slog.Logger) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	s.Domain = "mailbox.skald"
	s.MaxMessageBytes = maxMail
	s.MaxRecipients = maxRecipients
	s.ReadTimeout = idleTimeout
	s.WriteTimeout = writeTimeout
	s.EnableSMTPUTF8 = true
	s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	return s
}

// Addr is the host:port to send mails to.
func (m *Mailbox) Addr() string { return m.listener.Addr().String() }

// Close ends all connections, and with them mails that weren't through yet; what was taken can still be read. It returns once no
// connection is left, after at most 5 s. A second call returns what the first one did.
func (m *Mailbox) Close() error {
	m.close.Do(func() {
		// In this order nothing is accepted any more when go-smtp begins to count what it has to wait for.
		err := m.listener.Close()
		<-m.served
		m.listener.closeConns()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		m.closed = errors.Join(err, m.server.Shutdown(ctx))
	})
	return m.closed
}

func checkLoopback(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("mailbox: address %q: host:port is wanted, such as 127.0.0.1:2525: %w", addr, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("mailbox: address %q: the port must be a number from 0 to 65535", addr)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("mailbox: address %q isn't loopback: it has no passwords, so only 127.0.0.1 and [::1] are allowed", addr)
	}
	return nil
}
