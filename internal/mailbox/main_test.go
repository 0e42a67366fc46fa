package mailbox

import (
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB) *Mailbox {
	t.Helper()
	m, err := Start(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// client says EHLO by the standard library's client, whose connection can be used for more mails.
func client(t testing.TB, m *Mailbox) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Hello("test.example.com"); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(c *smtp.Client, raw string, to ...string) error {
	if err := c.Mail("onboarding@example.com"); err != nil {
		return err
	}
	for _, to := range to {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, raw); err != nil {
		return err
	}
	return w.Close()
}

func mustSend(t testing.TB, c *smtp.Client, raw string) {
	t.Helper()
	if err := send(c, raw, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
}

// letter is a mail in the form in which it goes over the line.
func letter(id, text string) string {
	return fmt.Sprintf("From: onboarding@example.com\r\nTo: \"Ada Lindqvist\" <ada@example.com>\r\n"+
		"Message-ID: <%s>\r\nSubject: Hello\r\n\r\n%s\r\n", id, text)
}

// conversation is a client that says what it likes.
type conversation struct {
	t    *testing.T
	conn net.Conn
	*textproto.Conn
}

func converse(t *testing.T, m *Mailbox) *conversation {
	t.Helper()
	conn, err := net.Dial("tcp", m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &conversation{t, conn, textproto.NewConn(conn)}
	c.expect(220)
	return c
}

func (c *conversation) say(lines ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *conversation) expect(codes ...int) {
	c.t.Helper()
	for _, code := range codes {
		if _, text, err := c.ReadResponse(code); err != nil {
			c.t.Fatalf("answer %q, %v; want %d", text, err, code)
		}
	}
}
