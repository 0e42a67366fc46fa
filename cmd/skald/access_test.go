package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
)

// userFile makes a file of users as a person would: ada may act, bo may look, and the program ci may act.
func userFile(t *testing.T) (path, token string) {
	t.Helper()
	var all strings.Builder
	for _, args := range [][]string{{"passwd", "ada", "--role", "operator"}, {"passwd", "bo"}, {"passwd", "ci", "--for-program", "--role", "operator"}} {
		var out, errOut lockedBuffer
		if code := run(context.Background(), args, strings.NewReader("s3cret\n"), &out, &errOut); code != exitOK {
			t.Fatal(errOut.String())
		}
		if strings.Contains(out.String(), "s3cret") {
			t.Errorf("the password is in %s", out.String())
		}
		if _, said, ok := strings.Cut(errOut.String(), "which nothing keeps: "); ok {
			token = strings.TrimSpace(said)
		}
		all.WriteString(out.String())
	}
	return fileOf(t, all.String()), token
}

func TestUpWithUsers(t *testing.T) {
	path, token := userFile(t)
	i := up(t, "--users", path)
	if status := i.status(t, "/api/v1/sagas"); status != http.StatusUnauthorized {
		t.Errorf("nobody gets %d", status)
	}
	as := func(who string) string { return strings.Replace(i.console, "http://", "http://"+who+"@", 1) }
	for name, test := range map[string]struct {
		server, token string
		args          []string
		code          int
		says          string
	}{
		"nobody":            {i.console, "", []string{"ls"}, exitUsage, "say who you are"},
		"a wrong password":  {as("ada:wr0ng"), "", []string{"ls"}, exitUsage, "Give a token by --token or SKALD_TOKEN"},
		"a viewer looks":    {as("bo:s3cret"), "", []string{"ls"}, exitOK, ""},
		"a viewer acts":     {as("bo:s3cret"), "", []string{"cancel", "01990000-0000-7000-8000-000000000000"}, exitUsage, "needs the role operator, and bo is a viewer"},
		"an operator acts":  {as("ada:s3cret"), "", []string{"cancel", "01990000-0000-7000-8000-000000000000"}, exitUsage, "no such saga"},
		"a program acts":    {i.console, token, []string{"cancel", "01990000-0000-7000-8000-000000000000"}, exitUsage, "no such saga"},
		"no console there":  {"http://ada:s3cret@127.0.0.1:1", "", []string{"ls"}, exitFailure, "no console answers at http://127.0.0.1:1"},
		"no address at all": {"ada:s3cret@127.0.0.1:1", "", []string{"ls"}, exitUsage, "--server is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SKALD_TOKEN", test.token)
			var out, errOut lockedBuffer
			code := run(context.Background(), append(test.args, "--server", test.server), strings.NewReader(""), &out, &errOut)
			if said := errOut.String(); code != test.code || !strings.Contains(said, test.says) || strings.Contains(said, "s3cret") || strings.Contains(said, "wr0ng") {
				t.Errorf("%d %s, want %d %s", code, said, test.code, test.says)
			}
		})
	}
	t.Setenv("SKALD_TOKEN", token)
	_, list, _ := i.skald("", "audit", "--server", i.console)
	for _, want := range []string{"ada  cancel-saga  01990000-0000-7000-8000-000000000000  404", "bo   cancel-saga  01990000-0000-7000-8000-000000000000  403     this needs the role operator"} {
		if !strings.Contains(list, want) {
			t.Errorf("the audit lacks %q:\n%s", want, list)
		}
	}
	if said := i.errOut.String(); strings.Contains(said, "s3cret") || strings.Contains(said, "wr0ng") || strings.Contains(said, token) {
		t.Errorf("the log has a secret: %s", said)
	}
}

func TestAddressesThatOthersReachNeedUsers(t *testing.T) {
	path, _ := userFile(t)
	for name, test := range map[string]struct {
		args string
		says string
	}{
		"all addresses":           {"--addr 0.0.0.0:0", "it needs --users"},
		"all, without an address": {"--addr :0", "it needs --users"},
		"a name":                  {"--addr skald.example:0", "it needs --users"},
		"no port":                 {"--addr 127.0.0.1", "host:port is wanted"},
		"no such file":            {"--users " + path + ".gone", "no such file"},
		"no users":                {"--users " + fileOf(t, ""), "names no user"},
		"no field":                {"--mask notify", "--mask: \"notify\" isn't topic.field"},
		"a certificate alone":     {"--https-cert " + path, "give both"},
		"no certificate":          {"--https-cert " + path + " --https-key " + path, "--https-cert, --https-key: "},
		"no streams":              {"--max-streams 0", "--max-streams"},
	} {
		for _, command := range []string{"up", "console"} {
			var out, errOut lockedBuffer
			code := run(context.Background(), append([]string{command}, strings.Fields(test.args)...), strings.NewReader(""), &out, &errOut)
			if said := only(t, errOut.String()); code != exitUsage || !strings.Contains(said, test.says) {
				t.Errorf("%s, %s: %d %s, want %s", command, name, code, said, test.says)
			}
		}
	}
	for args, want := range map[string]string{"": "one name", "a:b": "without a colon", "ada --role admin": "viewer and operator are allowed"} {
		var out, errOut lockedBuffer
		code := run(context.Background(), append([]string{"passwd"}, strings.Fields(args)...), strings.NewReader("s3cret"), &out, &errOut)
		if said := only(t, errOut.String()); code != exitUsage || !strings.Contains(said, want) || strings.Contains(said, "s3cret") {
			t.Errorf("passwd %s: %d %s, want %s", args, code, said, want)
		}
	}
}

// With users the console may be reached from elsewhere, under any name, by HTTPS.
func TestConsoleOnAllAddressesByHTTPS(t *testing.T) {
	path, token := userFile(t)
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate and the client that trusts it
	t.Cleanup(web.Close)
	pair := web.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	files := fileOf(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	out := background(t, "console", "--addr", "0.0.0.0:0", "--brokers", brokertest.Embedded(t).Addrs[0], "--users", path, "--https-cert", files, "--https-key", files)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, port, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "Skald console: https://"), "]:")
	if !ok {
		t.Fatal(line)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:"+port+"/api/v1/sagas", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "skald.example"
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := web.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.TLS == nil {
		t.Error(response.Status)
	}
}
