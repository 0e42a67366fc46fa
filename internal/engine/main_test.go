package engine_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/brokertest"
)

func TestMain(m *testing.M) {
	if l := os.Getenv(lifeVariable); l != "" {
		fmt.Fprintln(os.Stderr, live(l))
		os.Exit(1)
	}
	code := brokertest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
