package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
)

// instance is a skald up that runs in this process.
type instance struct {
	console, broker string
	stop            context.CancelFunc
	done            chan int
	errOut          *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// up runs skald up on free ports until the test ends, and waits until a saga could run.
func up(t *testing.T, args ...string) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{stop: cancel, done: make(chan int, 1), errOut: &lockedBuffer{}}
	read, write := io.Pipe()
	go func() {
		i.done <- run(ctx, append([]string{"up", "--json", "--addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0"}, args...),
			strings.NewReader(""), write, i.errOut)
		write.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-i.done; code != exitOK {
			t.Errorf("skald up ended with %d:\n%s", code, i.errOut)
		}
		i.done <- exitOK
	})
	var g greeting
	if err := json.NewDecoder(read).Decode(&g); err != nil {
		t.Fatalf("no greeting: %v\n%s", err, i.errOut)
	}
	i.console, i.broker = g.Console, g.Broker
	eventually(t, "ready", func() bool { return i.status(t, "/readyz") == http.StatusOK })
	return i
}

func (i *instance) status(t *testing.T, path string) int {
	t.Helper()
	response, err := http.Get(i.console + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (i *instance) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	response, err := http.Post(i.console+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// skald runs another command against the instance.
func (i *instance) skald(in string, args ...string) (code int, out, errOut string) {
	var stdout, stderr lockedBuffer
	switch args[0] {
	case "start":
		args = append(args, "--brokers", i.broker)
	case "ls", "trace", "cancel", "abandon", "unblock", "dlq", "services":
		args = append(args, "--server", i.console)
	}
	code = run(context.Background(), args, strings.NewReader(in), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s after a minute", what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks; the condition is what is waited for
	}
}

const ada = `{"name":"Ada","email":"ada@example.com","department":"engineering"}`

func TestOneSagaFromTheCommandLine(t *testing.T) {
	i := up(t, "--lag", "0s")
	code, out, errOut := i.skald("", "start", "onboarding", ada, "--watch", "--json")
	var r result
	if code != exitOK || json.Unmarshal([]byte(out), &r) != nil || r.Outcome != "completed" {
		t.Fatalf("start: %d, %q, %q", code, out, errOut)
	}
	eventually(t, "completed in the list", func() bool {
		_, out, _ := i.skald("", "ls", "--status", "completed", "--search", "ada@")
		return strings.Contains(out, r.ID)
	})
	eventually(t, "traced with four steps that are done", func() bool { // which the tracker reads in any order
		code, out, _ := i.skald("", "trace", r.ID)
		return code == exitOK && strings.Count(out, "done") == 4
	})
	var listed string
	eventually(t, "all services are listed as up, with their partitions", func() bool {
		code, out, errOut := i.skald("", "services")
		if code != exitOK || errOut != "" {
			t.Fatalf("services: %d %s", code, errOut)
		}
		listed = out
		return strings.Count(out, " up ") == 6 && strings.Contains(out, " 4 ")
	})
	for _, name := range serviceNames {
		if !strings.Contains(listed, "\n"+name) {
			t.Errorf("%s is not listed:\n%s", name, listed)
		}
	}
	if _, out, _ := i.skald("", "services", "--json"); !strings.Contains(out, `"services":[{"name":"authorizer","state":"up"`) {
		t.Errorf("services --json: %s", out)
	}
	code, body := i.get(t, "/api/v1/demo/mails")
	if code != http.StatusOK || strings.Count(body, "ada@example.com") == 0 {
		t.Errorf("mails: %d %s", code, body)
	}
	if _, metrics := i.get(t, "/metrics"); !strings.Contains(metrics, `skald_transactions_total{result="committed",service="authorizer"}`) {
		t.Error("/metrics has no transactions of the authorizer")
	}
}

func (i *instance) get(t *testing.T, path string) (int, string) {
	t.Helper()
	response, err := http.Get(i.console + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestServicesStopAndPlayInTheMiddleOfAThousandSagas(t *testing.T) {
	i := up(t, "--lag", "0s..20ms")
	var lines strings.Builder
	const n = 1000
	for k := range n {
		fmt.Fprintf(&lines, `{"name":"User %d","email":"user%d@example.com","department":"sales"}`+"\n", k, k)
	}
	finished := make(chan string, 1)
	go func() {
		_, out, errOut := i.skald(lines.String(), "start", "onboarding", "--watch", "--json")
		finished <- out + errOut
	}()
	for _, name := range []string{"authorizer", "notifier", "provisioner"} {
		if code, body := i.post(t, "/api/v1/demo/services/"+name+"/stop", "{}"); code >= 300 {
			t.Fatalf("stop %s: %d %s", name, code, body)
		}
		eventually(t, name+" stopped", func() bool { return i.status(t, "/readyz") == http.StatusServiceUnavailable })
		if code, body := i.post(t, "/api/v1/demo/services/"+name+"/play", "{}"); code >= 300 {
			t.Fatalf("play %s: %d %s", name, code, body)
		}
		eventually(t, name+" playing", func() bool { return i.status(t, "/readyz") == http.StatusOK })
	}
	out := <-finished
	if got := strings.Count(out, `"outcome":"completed"`); got != n {
		t.Fatalf("%d of %d completed:\n%.2000s", got, n, out)
	}
	ids := map[string]bool{}
	for line := range strings.Lines(out) {
		var r result
		if json.Unmarshal([]byte(line), &r) == nil {
			ids[r.ID] = true
		}
	}
	eventually(t, "all in the tracker", func() bool { return i.completed(t) == n })
	if len(ids) != n {
		t.Errorf("%d different sagas, want %d", len(ids), n)
	}
	if _, metrics := i.get(t, "/metrics"); !strings.Contains(metrics, "skald_outcomes_total") {
		t.Error("no outcomes counted")
	}
	_, body := i.get(t, "/api/v1/demo/mails?limit=1")
	if !strings.Contains(body, fmt.Sprintf(`"count":%d`, n)) {
		t.Errorf("the mailbox should have %d mails: %.200s", n, body)
	}
}

// completed pages through the list.
func (i *instance) completed(t *testing.T) int {
	t.Helper()
	n, cursor := 0, ""
	for {
		_, body := i.get(t, "/api/v1/sagas?status=completed&limit=500&cursor="+cursor)
		var page struct {
			Sagas []api.Saga `json:"sagas"`
			Next  string     `json:"next"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		n += len(page.Sagas)
		if cursor = page.Next; cursor == "" {
			return n
		}
	}
}

func TestBadInputStartsNothing(t *testing.T) {
	i := up(t, "--lag", "0s")
	for name, c := range map[string]struct{ input, says string }{
		"missing field":      {`{"name":"Ada","department":"sales"}`, "email"},
		"unknown department": {`{"name":"Ada","email":"ada@example.com","department":"sails"}`, "engineering, sales"},
		"wrong type":         {`{"name":7,"email":"ada@example.com","department":"sales"}`, "name"},
		"unknown field":      {`{"nane":"Ada","email":"ada@example.com","department":"sales"}`, "nane"},
		"malformed":          {`{"name":`, "JSON"},
		"not an object":      {`[1]`, "object"},
	} {
		code, out, errOut := i.skald("", "start", "onboarding", c.input)
		if code != exitUsage || out != "" || !strings.Contains(errOut, c.says) {
			t.Errorf("%s by CLI: exit %d, stdout %q, stderr %q, want exit 2 and a word on %q", name, code, out, errOut, c.says)
		}
		if name == "malformed" {
			continue // there the body as a whole is malformed, too
		}
		status, body := i.post(t, "/api/v1/sagas", `{"workflow":"onboarding","input":`+c.input+`}`)
		if status < 400 || status >= 500 || !strings.Contains(body, c.says) {
			t.Errorf("%s by HTTP: %d %s, want a 4xx and a word on %q", name, status, body, c.says)
		}
	}
	code, _, errOut := i.skald(ada+"\n"+`{"name":"x"}`+"\n", "start", "onboarding")
	if code != exitUsage || !strings.Contains(errOut, "line 2") {
		t.Errorf("one bad line of two: exit %d, %q", code, errOut)
	}
	if status, body := i.post(t, "/api/v1/sagas", `{"workflow":"onboarding","input":{"name":"`+strings.Repeat("x", 70<<10)+`"}}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 64 KiB: %d %.200s", status, body)
	}
	if code, _, errOut := i.skald("", "start", "offboarding", ada); code != exitUsage || !strings.Contains(errOut, "onboarding") {
		t.Errorf("unknown workflow: exit %d, %q", code, errOut)
	}
	if code, _, errOut := i.skald("", "ls", "--limit", "-1"); code != exitUsage || !strings.Contains(errOut, "limit") {
		t.Errorf("bad limit: exit %d, %q", code, errOut)
	}
	if code, _, _ := i.skald("", "trace", "0190b8a0-0000-7000-8000-000000000000"); code != exitUsage {
		t.Errorf("unknown saga: exit %d, want 2", code)
	}
	if _, out, _ := i.skald("", "ls", "--json"); !strings.Contains(out, `"sagas":[]`) {
		t.Errorf("something was started: %s", out)
	}
}

func TestASecondUpSaysWhichPortIsTaken(t *testing.T) {
	i := up(t)
	addr := strings.TrimPrefix(i.console, "http://")
	for flags, want := range map[string]string{
		"--addr " + addr + " --kafka-addr 127.0.0.1:0": "--addr",
		"--addr 127.0.0.1:0 --kafka-addr " + i.broker:  "--kafka-addr",
		"--addr 0.0.0.0:0 --kafka-addr 127.0.0.1:0":    "loopback",
		"--lag 3s..1s":            "--lag",
		"--chaos nobody=0.1":      "--chaos",
		"--stock -1":              "--stock",
		"--policies no-such-file": "no-such-file",
	} {
		code, _, errOut := i.skald("", append([]string{"up", "--addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0"}, strings.Fields(flags)...)...)
		if code == exitOK || !strings.Contains(errOut, want) {
			t.Errorf("up %s: exit %d, %q, want a word on %q", flags, code, errOut, want)
		}
	}
}

func TestBrokerAndConsoleAwayAreSaidInOneSentence(t *testing.T) {
	away := &instance{console: "http://127.0.0.1:1", broker: "127.0.0.1:1"}
	if testing.Short() {
		t.Skip("waits for the client to give up")
	}
	if code, _, errOut := away.skald("", "ls"); code != exitFailure || !strings.Contains(errOut, "--server") {
		t.Errorf("ls: exit %d, %q", code, errOut)
	}
	if code, _, errOut := away.skald("", "start", "onboarding", ada, "--wait", "1s"); code != exitFailure || !strings.Contains(errOut, "--brokers") {
		t.Errorf("start: exit %d, %q", code, errOut)
	}
}
