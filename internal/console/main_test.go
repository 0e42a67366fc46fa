package console

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/skald-saga/skald"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testLogger puts what the console says into the test's own output.
func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// serve runs a console on a loopback port until the test ends.
func serve(t testing.TB, cfg Config) (*Handler, *httptest.Server) {
	t.Helper()
	h := New(cfg)
	server := httptest.NewServer(h)
	server.Config.RegisterOnShutdown(h.Close)
	t.Cleanup(func() {
		h.Close()
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return h, server
}

func fieldErrorOf(err error) error {
	return errors.Join(skald.Invalid("name", "%v", err))
}
