package notifier

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald"
)

func TestConnectionIsUsedAgain(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr})
	for _, name := range []string{"ada", "nobody", "bo", "busy", "cleo"} { // a refused recipient doesn't cost the connection
		_ = m.Send(testContext(t), mailTo(name))
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	var to []string
	for _, mail := range s.received() {
		to = append(to, mail.to...)
	}
	if diff := cmp.Diff([]string{"ada@example.com", "bo@example.com", "cleo@example.com"}, to); diff != "" {
		t.Errorf("received by (-want +got):\n%s", diff)
	}
}

func TestNoMoreConnectionsThanAllowed(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr, Connections: 3})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if err := m.Send(testContext(t), mailTo(fmt.Sprint("user", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.connections(); n > 3 {
		t.Errorf("%d connections, want 3 at most", n)
	}
	if n := len(s.received()); n != 60 {
		t.Errorf("%d mails, want 60", n)
	}
}

// A server closes connections that are idle: the mail goes by a new one, and the caller doesn't notice.
func TestConnectionThatWasClosedIsReplaced(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr})
	for range 3 {
		if err := m.Send(testContext(t), mailTo("ada")); err != nil {
			t.Fatal(err)
		}
		s.dropConnections()
	}
	if n := len(s.received()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	s := startServer(t)
	for _, tc := range []struct {
		name, from string
		want       error
	}{
		{"nobody", "", skald.Reject("SMTP 550 5.1.1 No such mailbox")},
		{"spam", "", skald.Reject("SMTP 554 5.7.1 Looks like spam")},
		{"busy", "", errors.New("SMTP 451 4.3.0 Try again later")},
		{"ada", "banned@example.com", skald.Unavailable(errors.New("mail server takes no mail from banned@example.com: SMTP 550 5.7.1 Sender banned"))},
		{"closing", "", skald.Unavailable(errors.New("mail server: 421 4.3.2 Closing down"))},
	} {
		m := newMailer(t, Config{Addr: s.addr, From: tc.from})
		err := m.Send(testContext(t), mailTo(tc.name))
		wantClass(t, tc.name, err, tc.want)
		for word := range strings.FieldsSeq(strings.TrimPrefix(tc.want.Error(), "mail server")) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: error %q, want one with %q", tc.name, err, tc.want)
				break
			}
		}
	}
}

func TestServerThatIsNotThereIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	err = newMailer(t, Config{Addr: addr}).Send(testContext(t), mailTo("ada"))
	wantClass(t, "refused", err, skald.Unavailable(err))
	if !strings.Contains(err.Error(), addr) {
		t.Errorf("error %q, want one that names %s", err, addr)
	}
}

// A server that takes the connection and says nothing: the time for one mail ends it.
func TestSilentServerIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	m := newMailer(t, Config{Addr: listener.Addr().String(), Timeout: 50 * time.Millisecond})
	err = m.Send(testContext(t), mailTo("ada"))
	wantClass(t, "silent", err, skald.Unavailable(err))
	if !strings.Contains(err.Error(), "within 50ms") {
		t.Errorf("error %q, want one that says how long it waited", err)
	}
}

// A server that takes no connections now: it says so, and the connection is closed at once and not when somebody notices.
func TestConnectionThatIsTurnedAwayIsClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	closed := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			closed <- err
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "220 hello\r\n")
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		r := bufio.NewReader(conn)
		for err == nil { // whatever is said, until the other side hangs up
			if _, err = r.ReadString('\n'); err == nil {
				fmt.Fprint(conn, "554 too many connections\r\n")
			}
		}
		closed <- err
	}()
	err = newMailer(t, Config{Addr: listener.Addr().String()}).Send(testContext(t), mailTo("ada"))
	wantClass(t, "turned away", err, skald.Unavailable(err))
	if err := <-closed; !errors.Is(err, io.EOF) {
		t.Errorf("the connection wasn't closed: %v", err)
	}
}

// The caller's context ends a mail in the middle, and one that waits for a connection; the connection isn't used again.
func TestContextEndsAMail(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr, Connections: 1})
	if err := m.Send(testContext(t), mailTo("ada")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	errs := make(chan error, 2)
	go func() { errs <- m.Send(ctx, mailTo("slow")) }()
	<-s.hanging
	go func() { errs <- m.Send(ctx, mailTo("behind")) }()
	cancel()
	for range 2 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
	if err := m.Send(testContext(t), mailTo("bo")); err != nil {
		t.Fatal(err)
	}
	if n := len(s.received()); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func TestClosedMailerSendsNothing(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr})
	if err := m.Send(testContext(t), mailTo("ada")); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(testContext(t), mailTo("bo")); !errors.Is(err, errClosed) {
		t.Errorf("error %v, want errClosed", err)
	}
}

// Send itself, without the contracts' validation before it: no header can be smuggled in.
func TestHeadersCannotBeInjected(t *testing.T) {
	s := startServer(t)
	m := newMailer(t, Config{Addr: s.addr})
	const trick = "x\r\nBcc: all@example.com\r\n\r\nbody"
	evil := mailTo("ada")
	evil.ToName, evil.Subject = `x" <all@example.com>, "`+trick, trick
	if err := m.Send(testContext(t), evil); err != nil {
		t.Fatal(err)
	}
	got := s.received()[0]
	if diff := cmp.Diff([]string{"ada@example.com"}, got.to); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	to, err := got.header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != "ada@example.com" {
		t.Errorf("To: %v, %v; want ada@example.com alone", to, err)
	}
	if got.header.Get("Bcc") != "" || strings.TrimSpace(got.body) != "Hi" {
		t.Errorf("Bcc %q, body %q; want none, Hi", got.header.Get("Bcc"), got.body)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.header.Get("Subject"))
	if err != nil || subject != trick {
		t.Errorf("Subject: %q, %v; want %q", subject, err, trick)
	}

	for _, change := range []func(*Mail){
		func(m *Mail) { m.To = "ada@example.com\r\nRCPT TO:<all@example.com>" },
		func(m *Mail) { m.To = "Ada <ada@example.com>" },
		func(m *Mail) { m.MessageID = "1@example.com>\r\nBcc: all@example.com" },
		func(m *Mail) { m.MessageID = "" },
	} {
		evil := mailTo("ada")
		change(&evil)
		err := m.Send(testContext(t), evil)
		wantClass(t, fmt.Sprintf("%+v", evil), err, skald.Poison(err))
	}
	if n := len(s.received()); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestNewMailerSaysWhatIsWanted(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, `mail server "": host:port is wanted`},
		{Config{Addr: "localhost"}, `mail server "localhost": host:port is wanted`},
		{Config{Addr: "localhost:smtp"}, `mail server "localhost:smtp": the port must be a number`},
		{Config{Addr: "localhost:0"}, `the port must be a number from 1 to 65535`},
		{Config{Addr: "localhost:25", From: "Ada <ada@example.com>"}, `sender "Ada <ada@example.com>": one plain mail address is wanted`},
		{Config{Addr: "localhost:25", Connections: -1}, "Connections and Timeout must be positive"},
	} {
		if _, err := NewMailer(tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: error %v, want one with %q", tc.cfg, err, tc.want)
		}
	}
}

// wantClass compares what the engine is told to do, not the words. Skald has no accessor for it: the class is the error's only other
// exported field.
func wantClass(t *testing.T, name string, got, want error) {
	t.Helper()
	class := func(err error) string {
		if v := reflect.Indirect(reflect.ValueOf(err)); v.Kind() == reflect.Struct && v.FieldByName("Class").IsValid() {
			return v.FieldByName("Class").String()
		}
		return "plain"
	}
	if class(got) != class(want) {
		t.Errorf("%s: error of class %s, want %s: %v", name, class(got), class(want), got)
	}
}

// BenchmarkSend is as many mails at once as a step may have handlers, over the default number of connections.
func BenchmarkSend(b *testing.B) {
	s := startServer(b)
	m := newMailer(b, Config{Addr: s.addr})
	b.SetParallelism(skald.DefaultConcurrency / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := m.Send(b.Context(), mailTo("ada")); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	if n := s.connections(); n > DefaultConnections {
		b.Errorf("%d connections, want %d at most", n, DefaultConnections)
	}
}
