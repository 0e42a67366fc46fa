package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
)

func TestSlotsOfProcesses(t *testing.T) { brokertest.Each(t, testSlotsOfProcesses) }

func testSlotsOfProcesses(t *testing.T, b brokertest.Broker) {
	kafka := []string{"--brokers", strings.Join(b.Addrs, ","), "--prefix", b.Prefix, "--partitions", "4"}
	settings := filepath.Join(t.TempDir(), "skald.yaml")
	if err := os.WriteFile(settings, []byte("slot: 1\nsession-timeout: 10m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	errOut := &lockedBuffer{}
	ctx, stop := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"run", "authorizer", "--config", settings, "--data", t.TempDir()}, kafka...), strings.NewReader(""), &lockedBuffer{}, errOut)
	}()
	eventually(t, "joined", func() bool { return strings.Contains(errOut.String(), "authorizer has joined its group") })
	stop()
	if got := <-code; got != exitOK {
		t.Fatalf("run ended with %d: %s", got, errOut)
	}
	leave := func(flags ...string) (string, string) {
		var stdout, stderr lockedBuffer
		if got := run(t.Context(), slicesOf(kafka, []string{"leave", "authorizer", "1"}, flags), strings.NewReader(""), &stdout, &stderr); got != exitOK {
			t.Fatalf("leave ended with %d: %s", got, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
	if stdout, _ := leave("--json"); stdout != `{"absent":[],"left":["1"]}`+"\n" {
		t.Errorf("leave said %q", stdout)
	}
	if stdout, stderr := leave(); stdout != "" || stderr != "slot 1 of authorizer is no member of its group\n" {
		t.Errorf("leave, again, said %q and %q", stdout, stderr)
	}
}

func slicesOf(kafka []string, command ...[]string) (all []string) {
	for _, part := range command {
		all = append(all, part...)
	}
	return append(all, kafka[:4]...)
}

func TestSlotsThatCannotBe(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"run authorizer --slot a/b":               `slot "a/b"`,
		"run authorizer --session-timeout -1s":    "SessionTimeout is -1000000000",
		"leave authorizer":                        "at least one slot",
		"leave auth/orizer 1":                     `service "auth/orizer"`,
		"leave authorizer a/b":                    `slot "a/b"`,
		"run authorizer --slot auto":              "the host name " + `"` + host + `"`,
		"run authorizer --slot " + longName(41):   "at most 40",
		"leave authorizer " + longName(41) + " 1": "at most 40",
	} {
		var stdout, stderr lockedBuffer
		args += " --brokers 127.0.0.1:1"
		if strings.HasPrefix(args, "run") {
			args += " --data " + t.TempDir()
		}
		if code := run(t.Context(), strings.Fields(args), strings.NewReader(""), &stdout, &stderr); code == exitOK || !strings.Contains(stderr.String(), want) {
			t.Errorf("skald %s: %d and %q, want %q", args, code, stderr.String(), want)
		}
	}
}

func longName(n int) string { return strings.Repeat("x", n) }
