package kafka

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/brokertest"
)

// puzzle is a connection that can't work, and what a person should read about it.
type puzzle struct {
	name  string
	c     Connection
	says  []string // beside the broker's address
	retry bool
}

// solve checks what is said about puzzles: of each client's own error, and by WaitForBroker where waiting can't help.
func solve(t *testing.T, puzzles []puzzle) {
	t.Helper()
	for _, p := range puzzles {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			cl := newClientOf(t, p.c)
			ctx, cancel := context.WithTimeout(testContext(t), 3*time.Second)
			defer cancel()
			err := cl.Ping(ctx)
			if err == nil {
				t.Fatal("it works")
			}
			check := func(e Explanation) {
				t.Helper()
				line := e.String()
				for _, want := range append(p.says, strings.TrimSuffix(p.c.Brokers[0], ":9092")) {
					if !strings.Contains(line, want) {
						t.Errorf("it lacks %q: %s\n(the error was: %v)", want, line, err)
					}
				}
				if e.Retry != p.retry || e.Fix == "" || strings.Contains(line, "\n") {
					t.Errorf("retry is %t, the line: %s", e.Retry, line)
				}
			}
			e := p.c.Diagnose(testContext(t), err)
			t.Log(e)
			check(e)
			if p.retry {
				return
			}
			err = WaitForBroker(testContext(t), cl, slog.New(slog.DiscardHandler))
			explained, ok := errors.AsType[*ExplainedError](err)
			if !ok {
				t.Fatalf("WaitForBroker: %v", err)
			}
			check(explained.Explanation)
		})
	}
}

// listen answers each connection by handle, which is given up when the test ends.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go handle(conn)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestExplainWhatIsNoBroker(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	webTLS := httptest.NewUnstartedServer(http.NotFoundHandler())
	webTLS.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	webTLS.StartTLS()
	t.Cleanup(webTLS.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: webTLS.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(addrs ...string) Connection { return Connection{Brokers: addrs} }
	encrypted := func(c Connection) Connection {
		c.TLS = &TLS{CAFile: ca}
		return c
	}
	silent := listen(t, func(net.Conn) {})
	closing := listen(t, func(c net.Conn) { c.Close() })
	greeting := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	free := unusedAddr(t)
	solve(t, []puzzle{
		{"no such name", at("nowhere.invalid:9092"), []string{"does not resolve", "DNS"}, true},
		{"refuses", at(free), []string{"connection refused", "start the broker"}, true},
		{"hangs", at(silent), []string{"does not answer"}, true},
		{"closes", at(closing), []string{"closed the connection"}, true},
		{"HTTP", at(web.Listener.Addr().String()), []string{"HTTP server, no Kafka", "9092"}, false},
		{"HTTP, where TLS is set", encrypted(at(web.Listener.Addr().String())), []string{"HTTP server, no Kafka"}, false},
		{"HTTPS", at(webTLS.Listener.Addr().String()), []string{"HTTP server, no Kafka"}, false},
		{"HTTPS, where TLS is set", encrypted(at(webTLS.Listener.Addr().String())), []string{"HTTP server, no Kafka"}, false},
		{"another protocol", at(greeting), []string{"no Kafka"}, false},
		{"one is a web server, one may come back", at(web.Listener.Addr().String(), free), []string{"HTTP server", "refused"}, true},
	})
}

func TestExplainPlaintextBroker(t *testing.T) {
	brokertest.Each(t, func(t *testing.T, b brokertest.Broker) {
		solve(t, []puzzle{
			{"TLS is set", Connection{Brokers: b.Addrs, TLS: &TLS{}}, []string{"does not speak TLS", "leave TLS out"}, false},
			{"a login is set", Connection{Brokers: b.Addrs, SASL: &SASL{Mechanism: Plain, User: "u", Password: "p"}}, []string{"takes no login", "leave SASL out"}, b.Embedded},
		})
	})
}

func TestExplainSecuredBroker(t *testing.T) {
	cluster := secured(t)
	stranger, err := brokertest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key, err := stranger.Issue("client")
	if err != nil {
		t.Fatal(err)
	}
	strangers := &TLS{CAFile: cluster.Certificates.CAFile, CertFile: file("cert", cert), KeyFile: file("key", key)}
	ca := &TLS{CAFile: cluster.Certificates.CAFile}
	at := func(listener string, tls *TLS, sasl *SASL) Connection {
		return Connection{Brokers: cluster.AddrsOf(listener), TLS: tls, SASL: sasl}
	}
	localhost := at(overTLS, ca, nil)
	localhost.Brokers[0] = strings.Replace(localhost.Brokers[0], "127.0.0.1", "localhost", 1)
	puzzles := []puzzle{
		{"TLS is not set", at(overTLS, nil, nil), []string{"speaks TLS, but TLS is not set", "TLS.CAFile"}, false},
		{"TLS is not set, with a login", at(overTLSAndLogin, nil, logins(t)[Plain]), []string{"speaks TLS, but TLS is not set"}, false},
		{"TLS is set", at(withLogin, ca, logins(t)[Plain]), []string{"does not speak TLS"}, false},
		{"unknown authority", at(overTLS, &TLS{CAFile: file("ca", stranger.PEM())}, nil), []string{"unknown authority", "set TLS.CAFile"}, false},
		{"another name", localhost, []string{"localhost", "TLS.ServerName"}, false},
		{"no certificate", at(withCertificate, ca, nil), []string{"refused the TLS connection", "TLS.CertFile"}, false},
		{"a stranger's certificate", at(withCertificate, strangers, nil), []string{"refused the TLS connection", "trust"}, false},
		{"no login", at(withLogin, nil, nil), []string{"demands a login", "OAUTHBEARER or PLAIN or SCRAM-SHA-256"}, false},
		{"no login by TLS", at(overTLSAndLogin, ca, nil), []string{"demands a login", "PLAIN"}, false},
		{"login where none is taken", at(overTLS, ca, logins(t)[Plain]), []string{"takes no login"}, false},
		{"unknown mechanism", at(withScramOnly, nil, logins(t)[Plain]), []string{"does not take the SASL mechanism PLAIN", "set SASL.Mechanism to SCRAM-SHA-512"}, false},
		{"bad token", at(withLogin, nil, &SASL{Mechanism: OAuthBearer, Token: "nonsense"}), []string{"refused the login", "OAUTHBEARER", "renew the token"}, false},
	}
	for _, mechanism := range []string{Plain, ScramSHA256, ScramSHA512} {
		puzzles = append(puzzles,
			puzzle{mechanism + ", wrong password", at(withLogin, nil, &SASL{Mechanism: mechanism, User: alice, Password: "wrong"}), []string{"refused the login of User:alice by " + mechanism, "SASL.Password"}, false},
			puzzle{mechanism + ", unknown user", at(overTLSAndLogin, ca, &SASL{Mechanism: mechanism, User: "mallory", Password: "p"}), []string{"refused the login of User:mallory"}, false},
		)
	}
	solve(t, puzzles)
}

// A broker that answers at its first address may name others that nobody can reach.
func TestExplainAddressThatTheClusterGaveOut(t *testing.T) {
	c := Connection{Brokers: []string{"kafka.example.com:9092"}}
	_, err := net.Dial("tcp", unusedAddr(t))
	if got := c.Explain(err).Text; !strings.Contains(got, "advertised.listeners") {
		t.Error(got)
	}
	if got := c.Explain(&net.DNSError{Name: "kafka-0", Err: "no such host"}).Text; !strings.Contains(got, "advertised.listeners") {
		t.Error(got)
	}
	if got := c.Explain(&net.DNSError{Name: "kafka.example.com", Err: "no such host"}).Text; strings.Contains(got, "advertised.listeners") {
		t.Error(got)
	}
}
