package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/doctor"
)

// examine runs skald doctor, and gives what it found.
func examine(t *testing.T, args ...string) (code int, findings []doctor.Finding, text string) {
	t.Helper()
	var out, errOut, data lockedBuffer
	code = run(context.Background(), append([]string{"doctor"}, args...), strings.NewReader(""), &out, &errOut)
	text = out.String() + errOut.String()
	run(context.Background(), append([]string{"doctor", "--json"}, args...), strings.NewReader(""), &data, &errOut)
	if err := json.Unmarshal([]byte(data.String()), &findings); err != nil {
		t.Fatalf("%v: %s%s", err, data.String(), errOut.String())
	}
	return code, findings, text
}

// found wants a finding of a check that says something, by a line of its own.
func found(t *testing.T, text string, severity doctor.Severity, check, says string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == string(severity) && fields[1] == check && strings.Contains(line, says) {
			return
		}
	}
	t.Errorf("no %s of %q says %q:\n%s", severity, check, says, text)
}

func TestDoctorFindsNothing(t *testing.T) { brokertest.Each(t, testDoctorFindsNothing) }

func testDoctorFindsNothing(t *testing.T, b brokertest.Broker) {
	mails, data := mailServer(t), t.TempDir()
	kafka := []string{"--brokers", strings.Join(b.Addrs, ","), "--prefix", b.Prefix, "--partitions", "4"}
	joined := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	errOut := &lockedBuffer{}
	done := make(chan int, 1)
	go func() {
		args := append([]string{"run", "provisioner", "authorizer", "notifier", "--data", data, "--smtp-addr", mails.Addr()}, kafka...)
		done <- run(ctx, args, strings.NewReader(""), errOut, errOut)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(joined)
		eventually(t, "all have joined", func() bool { return strings.Count(errOut.String(), "has joined its group") == len(serviceNames) })
	}()
	<-joined
	flags := append([]string{"--data", data, "--smtp-addr", mails.Addr(), "--addr", "127.0.0.1:0"}, kafka...)
	code, findings, text := examine(t, append(serviceNames, flags...)...)
	if code != exitOK {
		t.Errorf("exit %d", code)
	}
	for _, f := range findings {
		if f.Severity == doctor.Problem {
			t.Errorf("%s: %s", f.Check, f.Text)
		}
	}
	found(t, text, doctor.OK, "topics", "14 topics")
	found(t, text, doctor.OK, "registry", "authorizer (1 running)")
	found(t, text, doctor.OK, "store", "provisioner.db is sound")
	found(t, text, doctor.OK, "mail", mails.Addr()+" answers")
	found(t, text, doctor.OK, "console", "is free")
	if !b.Embedded { // as the registry's topic is made, brokers stamp what comes in
		if strings.Contains(text, "clocks of services are not compared") {
			t.Error(text)
		}
	}
}

// Three nodes with transactions of the old kind, of which one goes away: skald run refuses it, the doctor says why, and what else is wrong.
func TestDoctorAtABrokenCluster(t *testing.T) {
	cluster := brokertest.NewCluster(t, 3, brokertest.WithFeature("transaction.version", 1))
	brokers := []string{"--brokers", strings.Join(cluster.Addrs(), ","), "--partitions", "4"}
	data := t.TempDir()
	var out, errOut lockedBuffer
	service := append([]string{"run", "authorizer", "--data", data}, brokers...)
	if code := run(context.Background(), service, strings.NewReader(""), &out, &errOut); code != exitFailure {
		t.Errorf("exit %d", code)
	}
	if said := only(t, errOut.String()); !strings.Contains(said, "transaction.version is 1, and has to be 2") || !strings.Contains(said, "kafka-features.sh --bootstrap-server") {
		t.Error(said)
	}
	ctx, cancel := context.WithCancel(context.Background())
	joined := &joining{joined: cancel}
	if code := run(ctx, append(service, "--allow-old-transactions"), strings.NewReader(""), joined, joined); code != exitOK {
		t.Fatalf("exit %d, %s", code, joined)
	}
	cluster.Nodes[2].Kill()
	if err := os.WriteFile(filepath.Join(data, "provisioner.db"), []byte("no SQLite file, but as long as its head would be: "+strings.Repeat("x", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	flags := append([]string{"--data", data, "--smtp-addr", "127.0.0.1:1", "--addr", l.Addr().String()}, brokers...)
	eventually(t, "broker 3 is known to be down", func() bool {
		var out, errOut lockedBuffer
		run(context.Background(), append([]string{"doctor"}, flags...), strings.NewReader(""), &out, &errOut)
		return strings.Contains(out.String(), "broker 3 (")
	})
	code, findings, text := examine(t, append([]string{"authorizer", "notifier"}, flags...)...)
	t.Log("\n" + text)
	if code != exitFailure || len(findings) < 8 {
		t.Errorf("exit %d, %d findings", code, len(findings))
	}
	for _, f := range findings {
		if f.Severity != doctor.OK && f.Fix == "" {
			t.Errorf("without a fix: %s", f.Text)
		}
	}
	found(t, text, doctor.Problem, "transactions", "transaction.version is 1")
	found(t, text, doctor.Problem, "brokers", "is down")
	found(t, text, doctor.Problem, "topics", "3 topics missing: notified, skald.notifier.inbox, skald.notifier.ledger")
	found(t, text, doctor.Warning, "replicas", "out of sync")
	found(t, text, doctor.Problem, "store", "provisioner.db is damaged")
	found(t, text, doctor.OK, "store", "authorizer.db is sound")
	found(t, text, doctor.Problem, "mail", "nothing answers at 127.0.0.1:1")
	found(t, text, doctor.Warning, "console", "can't be listened on")
	if !strings.Contains(text, "skald: there are ") {
		t.Errorf("the problems are not counted:\n%s", text)
	}
}

func TestTopicsArePrinted(t *testing.T) {
	var out, errOut lockedBuffer
	args := []string{"topics", "notifier", "--prefix", "team-a.", "--partitions", "24", "--brokers", "kafka:9092"}
	if code := run(context.Background(), args, strings.NewReader(""), &out, &errOut); code != exitOK {
		t.Fatal(errOut.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{"notified", "notify", "skald.cancel", "skald.dlq", "skald.notifier.inbox", "skald.notifier.ledger", "skald.outcomes", "skald.services"}
	if len(lines) != len(want) {
		t.Fatalf("%d topics, want %d:\n%s", len(lines), len(want), out.String())
	}
	for i, name := range want {
		partitions := "24"
		if name == "skald.services" {
			partitions = "1"
		}
		if start := "kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic team-a." + name + " --partitions " + partitions; !strings.HasPrefix(lines[i], start) {
			t.Errorf("got  %s\nwant %s", lines[i], start)
		}
	}
	if code := run(context.Background(), []string{"topics", "nobody"}, strings.NewReader(""), &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), "provisioner") {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
}
