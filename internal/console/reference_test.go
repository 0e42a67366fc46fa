package console_test

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

var writeReference = flag.Bool("write-reference", false, "write docs/api/README.md instead of comparing it")

func TestReferenceIsUpToDate(t *testing.T) {
	const path = "../../docs/api/README.md"
	h := console.New(consoletest.NewWorld().Config(t))
	got := h.Reference()
	if *writeReference {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, got) {
		t.Error("docs/api/README.md isn't what the OpenAPI document says: make docs")
	}
	if operations := bytes.Count(got, []byte("$ curl ")); operations < 20 {
		t.Errorf("%d operations", operations)
	}
}

var example = regexp.MustCompile(`\$ curl -sS(?: -X (\w+))?(?: -N)?(?: -H '[^']*' -d '([^']*)')? \$SKALD(\S+)\n`)

// What the reference shows can be typed: no example is refused for its form.
func TestExamplesOfTheReferenceAreWellFormed(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	h := console.New(cfg)
	all := example.FindAllStringSubmatch(string(h.Reference()), -1)
	if n := strings.Count(string(h.Reference()), "$ curl "); len(all) != n {
		t.Errorf("%d of %d examples are understood", len(all), n)
	}
	for _, e := range all {
		method, body, path := e[1], e[2], e[3]
		if method == "" {
			method = http.MethodGet
		}
		if strings.HasSuffix(path, "/stream") {
			continue // it never ends; stream_test.go reads it
		}
		var p consoletest.Problem
		got := consoletest.Ask(t, h, method, path, body, nil)
		switch got.StatusCode {
		case http.StatusOK, http.StatusAccepted, http.StatusNotFound, http.StatusConflict:
		case http.StatusBadRequest:
			consoletest.Ask(t, h, method, path, body, &p)
			for _, e := range p.Errors {
				if strings.Contains(e.Message, "expected") {
					t.Errorf("%s %s %s: %+v", method, path, body, p)
				}
			}
		default:
			t.Errorf("%s %s %s: %d", method, path, body, got.StatusCode)
		}
	}
}
