package mailbox

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var withoutTime = cmpopts.IgnoreFields(Mail{}, "Received")

func TestMailIsTaken(t *testing.T) {
	m := start(t)
	before := time.Now()
	mustSend(t, client(t, m), letter("1@example.com", "Hi\r\nthere"))
	got := m.Mails(10, 0)
	want := []Mail{{
		Seq: 1, MessageID: "1@example.com", From: "onboarding@example.com", To: "ada@example.com", ToName: "Ada Lindqvist",
		Subject: "Hello", Text: "Hi\nthere\n",
	}}
	if diff := cmp.Diff(want, got, withoutTime); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	if len(got) == 1 && (got[0].Received.Before(before) || got[0].Received.After(time.Now())) {
		t.Errorf("received at %v", got[0].Received)
	}
}

func TestRepeatIsDroppedAndCounted(t *testing.T) {
	m := start(t)
	c := client(t, m)
	for _, id := range []string{"1@example.com", "2@example.com", "1@example.com", "1@example.com"} {
		mustSend(t, c, letter(id, "Hi"))
	}
	wantCounts(t, m, 2, 2)
	m.Clear()
	wantCounts(t, m, 0, 2)
	mustSend(t, c, letter("2@example.com", "Hi")) // it was cleared away, and isn't new for that
	wantCounts(t, m, 0, 3)
	mustSend(t, c, letter("3@example.com", "Hi"))
	if mails := m.Mails(10, 0); len(mails) != 1 || mails[0].Seq != 3 {
		t.Errorf("mails %+v, want one with Seq 3", mails)
	}
}

// Mails without a Message-ID can't be told from one another, so each is kept.
func TestMailWithoutMessageIDIsKept(t *testing.T) {
	m := start(t)
	c := client(t, m)
	for range 2 {
		mustSend(t, c, "Subject: Hello\r\n\r\nHi\r\n")
	}
	wantCounts(t, m, 2, 0)
}

// The same mail by many connections at once: it is kept once.
func TestRepeatsAtOnceAreKeptOnce(t *testing.T) {
	m := start(t)
	var wg sync.WaitGroup
	for range 8 {
		c := client(t, m)
		wg.Go(func() {
			for i := range 10 {
				if err := send(c, letter(fmt.Sprint(i, "@example.com"), "Hi"), "ada@example.com"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantCounts(t, m, 10, 70)
}

func TestChangedIsClosedByEachChange(t *testing.T) {
	m := start(t)
	c := client(t, m)
	for _, change := range []func(){
		func() { mustSend(t, c, letter("1@example.com", "Hi")) },
		func() { mustSend(t, c, letter("1@example.com", "Hi")) }, // a repeat
		m.Clear,
	} {
		changed, alike := m.Changed(), m.Changed()
		select {
		case <-changed:
			t.Error("closed before a change")
		default:
		}
		change()
		for _, c := range []<-chan struct{}{changed, alike} {
			select {
			case <-c:
			default:
				t.Error("not closed after a change")
			}
		}
	}
}

// Several mails in one go, the next one's commands before the answers to the last one's (RFC 2920).
func TestPipelinedMails(t *testing.T) {
	m := start(t)
	c := converse(t, m)
	c.say("EHLO test.example.com")
	c.expect(250)
	for i := range 3 {
		c.say("MAIL FROM:<onboarding@example.com>", "RCPT TO:<ada@example.com>", "DATA")
		c.expect(250, 250, 354)
		c.say(strings.TrimSuffix(letter(fmt.Sprint(i, "@example.com"), "Hi\r\n..a dot"), "\r\n"), ".", "RSET", "NOOP")
		c.expect(250, 250, 250)
	}
	c.say("QUIT")
	c.expect(221)
	wantCounts(t, m, 3, 0)
	if got := m.Mails(1, 0)[0].Text; got != "Hi\n.a dot\n" {
		t.Errorf("text %q", got)
	}
}

func TestMailThatIsTooLargeIsRefused(t *testing.T) {
	m := start(t)
	c := client(t, m)
	line := strings.Repeat("x", 998) + "\r\n"
	err := send(c, letter("large@example.com", strings.Repeat(line, maxMail/1000+1)), "ada@example.com")
	if err == nil || !strings.HasPrefix(err.Error(), "552") {
		t.Errorf("error %v, want 552", err)
	}
	wantCounts(t, m, 0, 0)
	mustSend(t, c, letter("small@example.com", "Hi"))
	wantCounts(t, m, 1, 0)
}

// What is no SMTP, or no mail, neither stops the mailbox nor gets through as something else.
func TestGarbageDoesNoHarm(t *testing.T) {
	m := start(t)
	for _, garbage := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		strings.Repeat("\x00", 100_000),
		"EHLO x\r\nMAIL FROM:<a@example.com>\r\nDATA\r\nBDAT 99999999999999999999\r\nBDAT -1 LAST\r\nRCPT TO:<\r\n",
		"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhalf a mail",
	} {
		conn, err := net.Dial("tcp", m.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	c := client(t, m)
	mustSend(t, c, "\x00\xff no header at all")
	mustSend(t, c, letter("1@example.com", "Hi"))
	wantCounts(t, m, 2, 0)
	if got := m.Mails(1, 2)[0]; got.Text != "\x00� no header at all\n" || got.To != "ada@example.com" {
		t.Errorf("mail %+v", got)
	}
}

// Close in the middle of mails and with idle connections: it returns soon, and goleak finds nothing left.
func TestCloseEndsConnections(t *testing.T) {
	m := start(t)
	client(t, m)
	c := converse(t, m)
	c.say("EHLO test.example.com", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA")
	c.expect(250, 250, 250, 354)
	c.say("half a mail")
	begun := time.Now()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took > closeTimeout {
		t.Errorf("Close took %v", took)
	}
	if _, err := c.ReadLine(); err == nil {
		t.Error("the connection lives on")
	}
	if _, err := net.Dial("tcp", m.Addr()); err == nil {
		t.Error("it still listens")
	}
	wantCounts(t, m, 0, 0)
}

func TestStartSaysWhatIsAllowed(t *testing.T) {
	taken := start(t)
	for _, tc := range []struct {
		cfg  Config
		want string
	}{
		{Config{Addr: "0.0.0.0:0"}, `address "0.0.0.0:0" isn't loopback`},
		{Config{Addr: ":0"}, `address ":0" isn't loopback`},
		{Config{Addr: "127.0.0.1"}, "host:port is wanted"},
		{Config{Addr: "127.0.0.1:smtp"}, "a number from 0 to 65535"},
		{Config{Keep: -1}, "it must be at least 1"},
		{Config{Addr: taken.Addr()}, "address already in use"},
	} {
		m, err := Start(tc.cfg)
		if err == nil {
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: error %v, want one with %q", tc.cfg, err, tc.want)
		}
	}
	if _, err := Start(Config{Addr: taken.Addr()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("error %v, want one that wraps EADDRINUSE", err)
	}
}

func wantCounts(t *testing.T, m *Mailbox, count, repeats int64) {
	t.Helper()
	if c, r := m.Count(), m.Repeats(); c != count || r != repeats {
		t.Errorf("%d mails and %d repeats, want %d and %d", c, r, count, repeats)
	}
}
