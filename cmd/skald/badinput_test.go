package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
)

// brokerCommands are the commands that talk to Kafka.
func brokerCommands(t *testing.T) map[string][]string {
	t.Helper()
	return map[string][]string{
		"run":     {"run", "authorizer", "--data", t.TempDir()},
		"console": {"console", "--addr", "127.0.0.1:0"},
		"start":   {"start", "onboarding", ada, "--wait", "6s"},
		"doctor":  {"doctor", "--data", t.TempDir()},
	}
}

// waiting calls waits when a command says that it waits for Kafka.
type waiting struct {
	lockedBuffer

	waits func()
}

func (w *waiting) Write(p []byte) (int, error) {
	n, err := w.lockedBuffer.Write(p)
	if strings.Contains(w.String(), "waiting for Kafka") {
		w.waits()
	}
	return n, err
}

// What may be there later is waited for by what runs for long, and for some seconds by what a person waits for; either says so.
func TestBrokersThatMayComeBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, by the kernel, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for name, test := range map[string]struct {
		broker string
		says   []string
	}{
		"does not resolve": {"nowhere.invalid:9092", []string{"nowhere.invalid", "does not resolve", "check the name in --brokers"}},
		"refuses":          {"127.0.0.1:1", []string{"127.0.0.1:1", "connection refused", "start the broker, or correct --brokers"}},
		"hangs":            {l.Addr().String(), []string{l.Addr().String(), "does not answer", "see whether that is Kafka's port"}},
	} {
		for command, args := range brokerCommands(t) {
			t.Run(name+"/"+command, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				out, errOut := &lockedBuffer{}, &waiting{waits: func() {}}
				forLong := command == "run" || command == "console"
				if forLong {
					errOut.waits = cancel
				}
				code := run(ctx, append(slices.Clone(args), "--brokers", test.broker), strings.NewReader(""), out, errOut)
				said := errOut.String()
				switch {
				case forLong && code != exitOK:
					t.Errorf("exit %d", code)
				case !forLong && code != exitFailure:
					t.Errorf("exit %d", code)
				case command == "start":
					said = only(t, said)
				case command == "doctor":
					only(t, said)
					said = out.String()
				}
				for _, want := range test.says {
					if !strings.Contains(said, want) {
						t.Errorf("it lacks %q: %s", want, said)
					}
				}
			})
		}
	}
}

// Where waiting can't help a command ends, with one line that names the broker and what to do.
func TestBrokersThatWillNeverDo(t *testing.T) {
	cluster := secured(t)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	plain := brokertest.Embedded(t).Addrs[0]
	at := cluster.AddrsOf(secure)[0]
	ca := []string{"--brokers", at, "--tls-ca", cluster.Certificates.CAFile}
	wrong := func(mechanism string) []string {
		return append(slices.Clone(ca), "--sasl-mechanism", mechanism, "--sasl-user", "authorizer", "--sasl-password", "wrong")
	}
	for name, test := range map[string]struct {
		flags []string
		says  []string
	}{
		"a web server":             {[]string{"--brokers", web.Listener.Addr().String()}, []string{web.Listener.Addr().String(), "HTTP server, no Kafka", "give --brokers the address of one"}},
		"speaks TLS":               {[]string{"--brokers", at}, []string{at + " speaks TLS, but --tls is not set", "set --tls (--tls-ca if"}},
		"speaks no TLS":            {[]string{"--brokers", plain, "--tls"}, []string{plain + " does not speak TLS, but --tls is set", "leave --tls out"}},
		"unknown authority":        {[]string{"--brokers", at, "--tls"}, []string{at, "unknown authority", "set --tls-ca to"}},
		"demands a login":          {ca, []string{at + " demands a login", "set --sasl-mechanism to OAUTHBEARER or PLAIN"}},
		"a wrong password":         {wrong(kafka.ScramSHA512), []string{at + " refused the login of User:authorizer by SCRAM-SHA-512", "check --sasl-user and --sasl-password"}},
		"a wrong password, plain":  {wrong(kafka.Plain), []string{at + " refused the login of User:authorizer by PLAIN", "check --sasl-user and --sasl-password"}},
		"a token that nobody made": {append(slices.Clone(ca), "--sasl-mechanism", kafka.OAuthBearer, "--sasl-token", "nonsense"), []string{at + " refused the login", "renew the token (--sasl-token or"}},
	} {
		for command, args := range brokerCommands(t) {
			t.Run(name+"/"+command, func(t *testing.T) {
				t.Parallel()
				out, errOut := &lockedBuffer{}, &lockedBuffer{}
				code := run(context.Background(), append(slices.Clone(args), test.flags...), strings.NewReader(""), out, errOut)
				said := only(t, errOut.String())
				if command == "doctor" {
					said = out.String()
				}
				if code != exitFailure {
					t.Errorf("exit %d", code)
				}
				for _, want := range test.says {
					if !strings.Contains(said, want) {
						t.Errorf("it lacks %q: %s", want, said)
					}
				}
			})
		}
	}
}

// Settings that can't be right are refused before anything connects, with the name of the flag.
func TestKafkaFlagsThatAreWrong(t *testing.T) {
	gone := t.TempDir() + "/gone"
	text := fileOf(t, "no PEM")
	for name, test := range map[string]struct {
		flags []string
		says  []string
	}{
		"no port":                {[]string{"--brokers", "kafka"}, []string{`--brokers: "kafka" is not host:port`}},
		"no brokers":             {[]string{"--brokers", ""}, []string{"--brokers is empty"}},
		"no such file":           {[]string{"--tls-ca", gone}, []string{"--tls-ca: ", "no such file"}},
		"no certificate":         {[]string{"--tls-ca", text}, []string{"--tls-ca: ", "PEM"}},
		"no key":                 {[]string{"--tls-cert", text}, []string{"--tls-key: it is needed with --tls-cert"}},
		"no mechanism":           {[]string{"--sasl-user", "u"}, []string{"--sasl-mechanism: it is needed: PLAIN, SCRAM"}},
		"an unknown mechanism":   {[]string{"--sasl-mechanism", "GSSAPI"}, []string{`--sasl-mechanism: "GSSAPI" is not known`}},
		"no user, no password":   {[]string{"--sasl-mechanism", "PLAIN"}, []string{"--sasl-user: it is needed for PLAIN; --sasl-password: "}},
		"no token":               {[]string{"--sasl-mechanism", "OAUTHBEARER"}, []string{"--sasl-token: it or --sasl-token-file is needed"}},
		"no such token file":     {[]string{"--sasl-mechanism", "OAUTHBEARER", "--sasl-token-file", gone}, []string{"--sasl-token-file: ", "no such file"}},
		"no such password file":  {[]string{"--sasl-mechanism", "PLAIN", "--sasl-user", "u", "--sasl-password-file", gone}, []string{"--sasl-password-file: ", "no such file"}},
		"an empty password file": {[]string{"--sasl-mechanism", "PLAIN", "--sasl-user", "u", "--sasl-password-file", fileOf(t, "\n")}, []string{"--sasl-password-file: ", "is empty"}},
		"two passwords":          {[]string{"--sasl-password", "p", "--sasl-password-file", text}, []string{"--sasl-password-file: ", "give one of them"}},
	} {
		commands := brokerCommands(t)
		commands["topics"] = []string{"topics"}
		for command, args := range commands {
			out, errOut := &lockedBuffer{}, &lockedBuffer{}
			code := run(context.Background(), append(slices.Clone(args), test.flags...), strings.NewReader(""), out, errOut)
			if said := only(t, errOut.String()); code != exitUsage {
				t.Errorf("%s, %s: exit %d, %s", command, name, code, said)
			} else {
				for _, want := range test.says {
					if !strings.Contains(said, want) {
						t.Errorf("%s, %s: it lacks %q: %s", command, name, want, said)
					}
				}
			}
		}
	}
}

// Secrets needn't stand on a command line: the environment does as well, and a flag beats it.
func TestSecretsFromTheEnvironment(t *testing.T) {
	cluster := secured(t)
	t.Setenv("SKALD_SASL_MECHANISM", kafka.ScramSHA256)
	t.Setenv("SKALD_SASL_USER", "authorizer")
	t.Setenv("SKALD_TLS_CA", cluster.Certificates.CAFile)
	for secret, want := range map[string]int{password: exitOK, "wrong": exitFailure} {
		t.Setenv("SKALD_SASL_PASSWORD", secret)
		out, errOut := &lockedBuffer{}, &lockedBuffer{}
		run(context.Background(), []string{"doctor", "--brokers", cluster.AddrsOf(secure)[0], "--data", t.TempDir()}, strings.NewReader(""), out, errOut)
		if refused := strings.Contains(out.String(), "refused the login"); refused != (want == exitFailure) {
			t.Errorf("%q: %s%s", secret, out.String(), errOut.String())
		}
	}
}
