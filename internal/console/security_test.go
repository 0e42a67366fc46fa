package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

func TestSecurityHeaders(t *testing.T) {
	h := console.New(consoletest.NewWorld().Config(t))
	for _, path := range []string{"/", "/api/v1/sagas", "/nowhere"} {
		header := consoletest.Ask(t, h, "GET", path, "", nil).Header
		csp := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: %s is not in %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestOtherSitesCantAct(t *testing.T) {
	w := consoletest.NewWorld()
	h := console.New(w.Config(t))
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		var p consoletest.Problem
		response := consoletest.Ask(t, h, "POST", "/api/v1/demo/hires", "", &p, headers...)
		if response.StatusCode != http.StatusForbidden || p.Detail == "" {
			t.Errorf("%v: %d %+v", headers, response.StatusCode, p)
		}
	}
	if len(w.Starts) != 0 {
		t.Error("another site started a saga")
	}
}

func TestLoopbackUnderAnotherName(t *testing.T) {
	_, server := consoletest.Serve(t, consoletest.NewWorld().Config(t))
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for host, status := range map[string]int{
		address.Host: 200, "localhost:" + address.Port(): 200, "[::1]:80": 200, "skald.localhost": 200,
		"evil.example": 421, "127.0.0.1.evil.example:80": 421, "10.0.0.1": 421,
	} {
		r, err := http.NewRequest(http.MethodGet, server.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: %s", host, response.Status)
		}
	}
}
