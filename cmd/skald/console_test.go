package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/doctor"
	"github.com/skald-saga/skald/internal/postgrestest"
)

func trackerOf(t *testing.T, url string) (s api.TrackerStatus) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/tracker", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConsolesShareADatabase(t *testing.T) {
	dsn, broker := postgrestest.DSN(t), brokertest.Embedded(t)
	t.Setenv("SKALD_DB", dsn)
	var urls []string
	for range 2 {
		out := background(t, "console", "--addr", "127.0.0.1:0", "--brokers", broker.Addrs[0], "--keep-for", "0")
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		urls = append(urls, strings.TrimSpace(strings.TrimPrefix(line, "Skald console: ")))
	}
	eventually(t, "one of two to write, and both to reach Kafka", func() bool {
		a, b := trackerOf(t, urls[0]), trackerOf(t, urls[1])
		return a.Reachable && b.Reachable && a.Writes != b.Writes
	})
	s := trackerOf(t, urls[0])
	if !strings.HasPrefix(s.Database, "PostgreSQL 127.0.0.1:") || strings.Contains(s.Database, postgrestest.Password) {
		t.Errorf("the database is called %q", s.Database)
	}
	if s.KeepSeconds != 0 || s.KeepSagas != 1_000_000 {
		t.Errorf("kept for %d s, %d sagas", s.KeepSeconds, s.KeepSagas)
	}
}

func TestConsoleRefusesSettings(t *testing.T) {
	for args, want := range map[string]string{
		"--db postgres://skald:s3cret@127.0.0.1:1/x": "PostgreSQL 127.0.0.1:1/x can't be reached",
		"--db mysql://skald:s3cret@db/x":             "begins with postgres://",
		"--keep-for -1h":                             "--keep-for",
		"--keep-sagas -1":                            "--keep-sagas",
	} {
		var out, errOut lockedBuffer
		command := append([]string{"console", "--addr", "127.0.0.1:0"}, strings.Fields(args)...)
		if code := run(context.Background(), command, strings.NewReader(""), &out, &errOut); code == exitOK {
			t.Errorf("%s is taken", args)
		}
		if said := strings.TrimSpace(errOut.String()); !strings.Contains(said, want) || strings.Contains(said, "s3cret") || strings.Contains(said, "\n") {
			t.Errorf("%s: %q; want %q in it, one line, no password", args, said, want)
		}
	}
	for setting, value := range map[string]string{"SKALD_KEEP_FOR": "soon", "SKALD_KEEP_SAGAS": "many"} {
		t.Run(setting, func(t *testing.T) {
			t.Setenv(setting, value)
			var out, errOut lockedBuffer
			if code := run(context.Background(), []string{"console", "--addr", "127.0.0.1:0"}, strings.NewReader(""), &out, &errOut); code != exitUsage {
				t.Errorf("code %d: %s", code, errOut.String())
			}
		})
	}
}

func TestDoctorAsksPostgres(t *testing.T) {
	dsn := postgrestest.DSN(t)
	for _, test := range []struct {
		dsn      string
		severity doctor.Severity
		says     string
	}{
		{dsn, doctor.OK, "answers"},
		{strings.Replace(dsn, postgrestest.Password, "wr0ng", 1), doctor.Problem, "password authentication failed"},
		{"postgres://skald:s3cret%zz@db/x", doctor.Problem, "can't be read"},
	} {
		f := examineServer(t.Context(), "tracker", test.dsn)
		if f.Severity != test.severity || !strings.Contains(f.Text, test.says) || strings.Contains(f.Text, "s3cret") || strings.Contains(f.Text, "wr0ng") {
			t.Errorf("%+v, want %v, %q in it, and no password", f, test.severity, test.says)
		}
	}
}
