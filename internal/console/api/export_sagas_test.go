package api_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/tracker"
)

// An export is the whole list, however long, of what the filters select; a spreadsheet runs nothing of it, and what is masked isn't in it.
func TestExport(t *testing.T) {
	w := consoletest.NewWorld()
	for range 1200 {
		w.Onboard(consoletest.User("Ada"))
	}
	evil := []string{`=cmd|' /C calc'!A0`, "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", `a"b,c` + "\n=d", "plain"}
	for _, subject := range evil {
		w.Alter(w.Onboard(consoletest.User("Ada")), func(s *tracker.Saga) { s.Subject, s.Workflow = subject, "odd" })
	}
	cfg := w.Config(t)
	cfg.Mask, _ = mask.Parse([]string{"*.name"})
	_, server := consoletest.Serve(t, cfg)
	get := func(query string) (status int, header http.Header, body string) {
		t.Helper()
		response, err := http.Get(server.URL + "/api/v1/sagas/export" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		read, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header, string(read)
	}
	_, header, lines := get("?order=oldest")
	n := 0
	for scanner := bufio.NewScanner(strings.NewReader(lines)); scanner.Scan(); n++ {
		var s api.Saga
		if err := json.Unmarshal(scanner.Bytes(), &s); err != nil || s.ID == "" || s.Steps[0].Payload != nil {
			t.Fatalf("%v: %s", err, scanner.Text())
		}
	}
	if n != 1200+len(evil) || header.Get("Content-Type") != "application/jsonl" || strings.Contains(lines, `"name"`) {
		t.Errorf("%d lines of %s", n, header.Get("Content-Type"))
	}
	_, header, sheet := get("?format=csv&workflow=odd&order=oldest")
	rows, err := csv.NewReader(strings.NewReader(sheet)).ReadAll()
	if err != nil || len(rows) != 1+len(evil) || rows[0][2] != "subject" || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") ||
		!strings.Contains(header.Get("Content-Disposition"), `.csv"`) {
		t.Fatalf("%v %v:\n%s", err, header, sheet)
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		seen[row[2]] = true
		for _, cell := range row {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
	if !seen[`'=cmd|' /C calc'!A0`] || !seen["'＝1"] || !seen["a\"b,c\n=d"] || !seen["plain"] {
		t.Errorf("%v", seen)
	}
	for query, location := range map[string]string{
		"?format=xls": "query.format", "?status=lost": "query.status", "?cause=x": "query.cause", "?limit=3": "query.limit", "?older_than=x": "query.older_than", "?order=up": "query.order",
	} {
		status, header, body := get(query)
		if status != http.StatusBadRequest || !strings.Contains(body, location) || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

// Who reads an export that can't be finished learns it.
func TestExportThatBreaksOff(t *testing.T) {
	w := consoletest.NewWorld()
	w.Onboard(consoletest.User("Ada"))
	cfg := w.Config(t)
	cfg.Tracker = brokenEach{w}
	handler := console.New(cfg)
	defer handler.Close()
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // it is compared so by net/http
			t.Errorf("the connection isn't broken off: %v", got)
		}
	}()
	consoletest.Ask(t, handler, "GET", "/api/v1/sagas/export", "", nil)
}

type brokenEach struct{ backend.Tracker }

func (brokenEach) Each(context.Context, tracker.Query, int64, func(tracker.Saga) bool) error {
	return errors.New("the database is away")
}
