package console

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/audit"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
)

// contentSecurity allows what this server itself sends and nothing inline.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured refuses what another site makes a browser send, and sets the headers that every answer has.
func secured(cfg Config, b *backend.Backend, operation func(*http.Request) (id, path string), next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, huma.NewError(http.StatusForbidden, "this request comes from another site"))
	}))
	next = protection.Handler(access.OnlyOperators(next))
	next = audit.Record(b, operation, next)
	next = access.NewGate(cfg.Users, b.Logger).Handler(next)
	if cfg.Users == nil {
		next = sameName(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurity)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY") // for browsers that don't know frame-ancestors
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// sameName refuses a request that reached a loopback address under another name: a site whose name was made to point at
// 127.0.0.1 (DNS rebinding) is same-origin for the browser, and must not play with a laptop's services. With users it couldn't, as the browser
// has no password for that name; and then a proxy in front may pass on the name that it is known by.
func sameName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && isLoopback(local.String()) && !isLoopback(r.Host) {
			problem.Write(w, huma.NewError(http.StatusMisdirectedRequest, "this console listens on a loopback address: call it localhost or by its address"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}
