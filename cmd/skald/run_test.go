package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/mailbox"
)

// background runs a command until the test ends, and gives its stdout.
func background(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	errOut := &lockedBuffer{}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, args, strings.NewReader(""), write, errOut)
		write.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("skald %s ended with %d:\n%s", strings.Join(args, " "), code, errOut)
		}
	})
	return bufio.NewReader(read)
}

func mailServer(t *testing.T) *mailbox.Mailbox {
	t.Helper()
	m, err := mailbox.Start(mailbox.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestServicesAsProcessesOfTheirOwn(t *testing.T) { brokertest.Each(t, testServicesAsProcesses) }

func testServicesAsProcesses(t *testing.T, b brokertest.Broker) {
	mails, data := mailServer(t), t.TempDir()
	kafka := []string{"--brokers", strings.Join(b.Addrs, ","), "--prefix", b.Prefix, "--partitions", "4"}
	for instance := range 2 {
		for _, service := range serviceNames {
			background(t, append([]string{"run", service, "--data", data, "--smtp-addr", mails.Addr(), "--lag", "0s..50ms",
				"--instance", fmt.Sprint(service, instance)}, kafka...)...)
		}
	}
	out := background(t, append([]string{"console", "--addr", "127.0.0.1:0"}, kafka...)...)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{console: strings.TrimSpace(strings.TrimPrefix(line, "Skald console: "))}
	var lines strings.Builder
	const n = 200
	for k := range n {
		fmt.Fprintf(&lines, `{"name":"User %d","email":"user%d@example.com","department":"finance"}`+"\n", k, k)
	}
	var stdout, stderr lockedBuffer
	if code := run(context.Background(), append([]string{"start", "onboarding", "--watch", "--json", "--wait", "1m"}, kafka[:4]...),
		strings.NewReader(lines.String()), &stdout, &stderr); code != exitOK {
		t.Fatalf("start ended with %d: %s", code, stderr.String())
	}
	if got := strings.Count(stdout.String(), `"outcome":"completed"`); got != n {
		t.Fatalf("%d of %d completed: %s", got, n, stderr.String())
	}
	eventually(t, "all in the tracker", func() bool { return i.completed(t) >= n })
	// An instance that joins takes partitions from another, whose handlers may have mailed already: mail goes out at least once, and
	// the mailbox drops repeats by their Message-ID.
	if got := mails.Count(); got != n {
		t.Errorf("%d different mails, want %d", got, n)
	}
}
