package kafka

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
)

// Listeners of the secured broker.
const (
	overTLS         = "ENCRYPTED"
	withCertificate = "CERTIFIED"
	withLogin       = "LOGIN"
	withScramOnly   = "SCRAM"
	overTLSAndLogin = "BOTH"
)

const (
	alice, password = "alice", "a=secret word"
)

var allMechanisms = []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer}

var theSecured struct {
	once    sync.Once
	cluster *brokertest.Cluster
	err     error
}

// secured gives the Apache Kafka that demands TLS, logins and ACLs, which the tests share; brokertest.Main stops it.
func secured(t *testing.T) *brokertest.Cluster {
	t.Helper()
	brokertest.NeedsApache(t)
	theSecured.once.Do(func() {
		theSecured.cluster, theSecured.err = brokertest.StartCluster(1,
			brokertest.WithListeners(
				brokertest.Listener{Name: overTLS, TLS: true},
				brokertest.Listener{Name: withCertificate, TLS: true, ClientCertificate: true},
				brokertest.Listener{Name: withLogin, Mechanisms: allMechanisms},
				brokertest.Listener{Name: withScramOnly, Mechanisms: []string{ScramSHA512}},
				brokertest.Listener{Name: overTLSAndLogin, TLS: true, Mechanisms: allMechanisms},
			),
			brokertest.WithUsers(map[string]string{alice: password}),
			brokertest.WithACLs(),
		)
	})
	if theSecured.err != nil {
		t.Fatal(theSecured.err)
	}
	return theSecured.cluster
}

// logins are the settings for each mechanism, as the secured broker takes them.
func logins(t *testing.T) map[string]*SASL {
	t.Helper()
	token := newToken(t, alice)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]*SASL{
		"PLAIN":         {Mechanism: Plain, User: alice, Password: password},
		"SCRAM-SHA-256": {Mechanism: ScramSHA256, User: alice, Password: password},
		"SCRAM-SHA-512": {Mechanism: ScramSHA512, User: alice, Password: password},
		"token":         {Mechanism: OAuthBearer, Token: token},
		"token file":    {Mechanism: OAuthBearer, TokenFile: file},
	}
}

func newToken(t *testing.T, user string) string {
	t.Helper()
	token, err := brokertest.UnsecuredToken(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEveryWayIn(t *testing.T) {
	cluster := secured(t)
	ca := &TLS{CAFile: cluster.Certificates.CAFile}
	type way struct {
		listener string
		tls      *TLS
		sasl     *SASL
	}
	ways := map[string]way{
		"TLS": {overTLS, ca, nil},
		"TLS with a certificate": {withCertificate, &TLS{
			CAFile: ca.CAFile, CertFile: cluster.Certificates.ClientCertFile, KeyFile: cluster.Certificates.ClientKeyFile,
		}, nil},
		"one mechanism alone": {withScramOnly, nil, logins(t)[ScramSHA512]},
	}
	for name, login := range logins(t) {
		ways[name] = way{withLogin, nil, login}
		ways[name+" by TLS"] = way{overTLSAndLogin, ca, login}
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			c := Connection{Brokers: cluster.AddrsOf(way.listener), TLS: way.tls, SASL: way.sasl}
			if err := c.Check(); err != nil {
				t.Error(err)
			}
			if err := newClientOf(t, c).Ping(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// The broker's certificate is for 127.0.0.1 alone: it is good for localhost only if the settings say so.
func TestServerName(t *testing.T) {
	cluster := secured(t)
	addr := strings.Replace(cluster.AddrsOf(overTLS)[0], "127.0.0.1", "localhost", 1)
	c := Connection{Brokers: []string{addr}, TLS: &TLS{CAFile: cluster.Certificates.CAFile}}
	if err := newClientOf(t, c).Ping(testContext(t)); err == nil {
		t.Error("a certificate for 127.0.0.1 was good for localhost")
	}
	c.TLS.ServerName = "127.0.0.1"
	if err := newClientOf(t, c).Ping(testContext(t)); err != nil {
		t.Error(err)
	}
}

// Whoever renews tokens just writes the file.
func TestTokenFileIsReadAtEachLogin(t *testing.T) {
	cluster := secured(t)
	file := filepath.Join(t.TempDir(), "token")
	cl := newClientOf(t, Connection{Brokers: cluster.AddrsOf(withLogin), SASL: &SASL{Mechanism: OAuthBearer, TokenFile: file}})
	err := cl.Ping(testContext(t))
	if setting, ok := errors.AsType[*SettingError](err); !ok || setting.Field != "SASL.TokenFile" {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cl.Ping(testContext(t)); err == nil {
		t.Error("nonsense was good")
	}
	if err := os.WriteFile(file, []byte(newToken(t, alice)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cl.Ping(testContext(t)); err != nil {
		t.Errorf("with a good token: %v", err)
	}
}

// Certificates are replaced while the client lives.
func TestCertificateIsReadForEachConnection(t *testing.T) {
	cluster := secured(t)
	dir := t.TempDir()
	c := Connection{Brokers: cluster.AddrsOf(withCertificate), TLS: &TLS{
		CAFile: cluster.Certificates.CAFile, CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key"),
	}}
	stranger, err := brokertest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := stranger.Issue("client")
	if err != nil {
		t.Fatal(err)
	}
	write := func(cert, key []byte) {
		t.Helper()
		if err := errors.Join(os.WriteFile(c.TLS.CertFile, cert, 0o600), os.WriteFile(c.TLS.KeyFile, key, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	write(cert, key)
	cl := newClientOf(t, c)
	if err := cl.Ping(testContext(t)); err == nil {
		t.Error("a stranger's certificate was good")
	}
	write(read(cluster.Certificates.ClientCertFile), read(cluster.Certificates.ClientKeyFile))
	if err := cl.Ping(testContext(t)); err != nil {
		t.Errorf("with a good one: %v", err)
	}
}

// Settings that Check refuses make connections fail with the same words.
func TestSettingsThatAreWrong(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	broker := []string{unusedAddr(t)}
	for _, test := range []struct {
		c           Connection
		field, says string
	}{
		{Connection{TLS: &TLS{CAFile: gone}}, "TLS.CAFile", "no such file"},
		{Connection{TLS: &TLS{CAFile: text}}, "TLS.CAFile", "PEM"},
		{Connection{TLS: &TLS{CertFile: text}}, "TLS.KeyFile", "needed with TLS.CertFile"},
		{Connection{TLS: &TLS{KeyFile: text}}, "TLS.CertFile", "needed with TLS.KeyFile"},
		{Connection{TLS: &TLS{CertFile: text, KeyFile: gone}}, "TLS.KeyFile", "no such file"},
		{Connection{TLS: &TLS{CertFile: text, KeyFile: text}}, "TLS.CertFile", "PEM"},
		{Connection{SASL: &SASL{}}, "SASL.Mechanism", "PLAIN, SCRAM-SHA-256"},
		{Connection{SASL: &SASL{Mechanism: "GSSAPI"}}, "SASL.Mechanism", `"GSSAPI" is not known`},
		{Connection{SASL: &SASL{Mechanism: Plain, Password: "p"}}, "SASL.User", "needed for PLAIN"},
		{Connection{SASL: &SASL{Mechanism: ScramSHA256, User: "u"}}, "SASL.Password", "needed for SCRAM-SHA-256"},
		{Connection{SASL: &SASL{Mechanism: ScramSHA512, User: "u", Password: "p", Token: "t"}}, "SASL.Token", "no meaning for SCRAM-SHA-512"},
		{Connection{SASL: &SASL{Mechanism: OAuthBearer}}, "SASL.Token", "SASL.TokenFile is needed"},
		{Connection{SASL: &SASL{Mechanism: OAuthBearer, Token: "t", TokenFile: text}}, "SASL.TokenFile", "one of them"},
		{Connection{SASL: &SASL{Mechanism: OAuthBearer, Token: "t", User: "u"}}, "SASL.User", "no meaning"},
	} {
		test.c.Brokers = broker
		check := test.c.Check()
		cl, err := kgo.NewClient(append(test.c.Options(), kgo.WithLogger(nil))...)
		if err != nil {
			t.Errorf("%s: NewClient: %v", test.field, err)
			continue
		}
		wait := WaitForBroker(testContext(t), cl, slog.New(slog.DiscardHandler))
		cl.Close()
		for what, err := range map[string]error{"Check": check, "WaitForBroker": wait} {
			setting, ok := errors.AsType[*SettingError](err)
			if !ok || setting.Field != test.field || !strings.Contains(err.Error(), test.field) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want %s and %q, %s says: %v", test.field, test.says, what, err)
			}
		}
	}
	for _, test := range []struct{ broker, says string }{
		{"kafka", "host:port"}, {":9092", "host:port"}, {"kafka:", "port"}, {"kafka:http", "port"}, {"kafka:70000", "port"},
		{"kafka://kafka:9092", "host:port"},
	} {
		err := Connection{Brokers: []string{"good:9092", test.broker}}.Check()
		if setting, ok := errors.AsType[*SettingError](err); !ok || setting.Field != "Brokers" || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v", test.broker, err)
		}
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{gone, empty} {
		err := Connection{SASL: &SASL{Mechanism: OAuthBearer, TokenFile: file}}.Check()
		if setting, ok := errors.AsType[*SettingError](err); !ok || setting.Field != "SASL.TokenFile" {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := (Connection{}).Check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
