package consoletest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/services/events"
)

// Logger puts what the console says into the test's own output.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Serve runs a console on a loopback port until the test ends.
func Serve(t testing.TB, cfg console.Config) (*console.Handler, *httptest.Server) {
	t.Helper()
	h := console.New(cfg)
	server := httptest.NewServer(h)
	server.Config.RegisterOnShutdown(h.Close)
	t.Cleanup(func() {
		h.Close()
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return h, server
}

// User is a new hire in sales.
func User(name string) events.NewUser {
	return events.NewUser{Name: name, Email: name + "@example.com", Department: "sales"}
}
