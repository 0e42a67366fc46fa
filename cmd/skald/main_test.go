package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/postgrestest"
)

type withBrokers struct{ m *testing.M }

func (b withBrokers) Run() int { return brokertest.Main(b.m) }

func TestMain(m *testing.M) {
	code := postgrestest.Main(withBrokers{m})
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop")); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}
