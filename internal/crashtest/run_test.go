package crashtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/mailbox"
)

// cluster is what the services run against.
type cluster struct {
	addrs  []string
	apache *brokertest.Cluster // nil for the embedded broker
}

// run is one run of the test.
type run struct {
	t        *testing.T
	ctx      context.Context
	cancel   context.CancelCauseFunc
	cluster  cluster
	sagas    int
	seed     uint64
	faults   int           // per service
	expected time.Duration // that they take together
	prefix   string
	folder   string
	mails    *mailbox.Mailbox
	client   *skald.Client
	services []*service
	tally    *tally

	mu             sync.Mutex
	started        map[string]string
	repeatedStarts int
	made           int // faults so far

	resting []ledgerState
	retries func() []retry // of the notifier, as its ledger told of them; nil if nobody asks
}

var serviceNames = []string{"provisioner", "authorizer", "notifier"}

const (
	partitions    = 4
	lag           = "0s..40ms" // half of the handlers are parked, which is after 20 ms
	chaos         = "notifier=0.05"
	faultTakes    = 6 * time.Second
	runFrame      = 4 * time.Minute // for a run on a slow machine, besides what its faults take
	faultsAtLeast = 5               // per service
)

func newRun(t *testing.T, c cluster, sagas int, seed uint64) *run {
	faults := max(faultsAtLeast, sagas/sagasPerFault/len(serviceNames))
	expected := time.Duration(faults) * faultTakes
	r := newFrame(t, c, sagas, seed, 3*expected+runFrame)
	r.faults, r.expected = faults, expected
	binary, err := build(r.folder, "github.com/skald-saga/skald/cmd/skald")
	if err != nil {
		t.Fatal(err)
	}
	r.retries = r.followRetries("notifier")
	r.startServices(binary, "run")
	return r
}

// newFrame is a run that has no services yet, and is given up after a time.
func newFrame(t *testing.T, c cluster, sagas int, seed uint64, limit time.Duration) *run {
	r := &run{
		t: t, cluster: c, sagas: sagas, seed: seed,
		prefix: fmt.Sprintf("crash-%d.", os.Getpid()), folder: t.TempDir(), tally: newTally(), started: map[string]string{},
	}
	timely, stop := context.WithTimeoutCause(context.Background(), limit, errTooLong)
	t.Cleanup(stop)
	r.ctx, r.cancel = context.WithCancelCause(timely)
	t.Cleanup(func() { r.cancel(nil) })
	var err error
	if r.mails, err = mailbox.Start(mailbox.Config{Keep: sagas + 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.mails.Close() })
	if r.client, err = skald.NewClient(skald.Config{Brokers: c.addrs, Prefix: r.prefix, Logger: brokertest.Logger()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	return r
}

// startServices starts two instances of each service. The service's name and the flags of skald run follow the program's arguments.
func (r *run) startServices(program ...string) {
	for n, name := range serviceNames {
		s := &service{
			run: r, name: name, random: rand.New(rand.NewPCG(r.seed, uint64(n+1))),
			program: append(slices.Clone(program), name, "--prefix", r.prefix, "--partitions", fmt.Sprint(partitions), "--lag", lag, "--data", r.folder),
		}
		if name == "notifier" && r.retries != nil {
			s.program = append(s.program, "--chaos", chaos)
		}
		r.services = append(r.services, s)
		for range 2 {
			if _, err := s.add(); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	for _, s := range r.services {
		for _, i := range s.instances {
			if err := i.awaitJoined(0, r.ctx.Done()); err != nil {
				r.mustGoOn() // why it was given up says more
				r.t.Fatal(err)
			}
		}
	}
}

// nextVersion is what the authorizer is rolled to.
func (r *run) nextVersion() ([]string, error) {
	binary, err := build(r.folder, "github.com/skald-saga/skald/internal/crashtest/nextversion")
	store := "file:" + filepath.Join(r.folder, "authorizer.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"
	return []string{binary, "--prefix", r.prefix, "--partitions", fmt.Sprint(partitions), "--lag", lag, "--store", store}, err
}

// settle waits until the additional step has caught up, and ends the services.
func (r *run) settle() {
	r.t.Helper()
	r.eventually("the next version has seen all sagas", func() (bool, error) {
		if r.tally.of(rolled) == 0 {
			return true, nil
		}
		db, err := openStore(r.folder, "authorizer")
		if err != nil {
			return false, err
		}
		defer db.Close()
		var n int
		err = db.QueryRowContext(r.ctx, `SELECT count(*) FROM watched`).Scan(&n)
		return n >= r.sagas, err
	})
	r.stopServices()
}

// stopServices waits until the ledgers are trimmed, and ends the services as an operator does.
func (r *run) stopServices() {
	r.t.Helper()
	r.eventually("the ledgers are trimmed", func() (bool, error) {
		ledgers, err := readLedgers(r.ctx, r.cluster.addrs, r.prefix, serviceNames, nil)
		r.resting = ledgers
		return err == nil && !slices.ContainsFunc(ledgers, func(l ledgerState) bool { return !l.trimmed() }), err
	})
	var all sync.WaitGroup
	for _, s := range r.services {
		for _, i := range s.instances {
			all.Go(func() {
				if err := i.stop(); err != nil {
					r.t.Error(err)
				}
			})
		}
	}
	all.Wait()
	r.mustGoOn()
}

// eventually asks again and again; a run that takes too long ends it.
func (r *run) eventually(what string, done func() (bool, error)) {
	r.t.Helper()
	for {
		ok, err := done()
		if ok {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-r.ctx.Done():
			r.t.Fatalf("not yet: %s (%v, %v)", what, err, context.Cause(r.ctx))
		}
	}
}

func (r *run) evidence() *evidence {
	r.t.Helper()
	topics := []string{"skald.dlq"}
	for _, h := range hops {
		topics = append(topics, h.topic)
	}
	for _, s := range serviceNames {
		topics = append(topics, "skald."+s+".ledger", "skald."+s+".inbox")
	}
	records, err := readRecords(r.ctx, r.cluster.addrs, r.prefix, topics...)
	if err != nil {
		r.t.Fatal(err)
	}
	e := &evidence{started: r.started, records: records, resting: r.resting, rolled: r.tally.of(rolled) > 0}
	if e.ledgers, err = readLedgers(r.ctx, r.cluster.addrs, r.prefix, serviceNames, records); err != nil {
		r.t.Fatal(err)
	}
	if err := e.readStores(r.ctx, r.folder); err != nil {
		r.t.Fatal(err)
	}
	if r.retries != nil {
		e.retries = r.retries()
	}
	for _, mail := range r.mails.Mails(r.sagas+1, 0) {
		e.mails = append(e.mails, mail.MessageID)
	}
	return e
}

// unfinished says where the sagas stand that have not ended, for who has to find out why.
func (r *run) unfinished() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	topics := make([]string, 0, len(hops))
	for _, h := range hops {
		topics = append(topics, h.topic)
	}
	records, err := readRecords(ctx, r.cluster.addrs, r.prefix, append(topics, "skald.dlq")...)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, topic := range append(topics, "skald.dlq") {
		fmt.Fprintf(&b, "%d in %s\n", len(records[topic]), topic)
	}
	for _, letter := range records["skald.dlq"][:min(5, len(records["skald.dlq"]))] {
		fmt.Fprintf(&b, "dead letter of %s: %s\n", letter.headers["dlq-service"], letter.headers["dlq-error"])
	}
	for _, s := range r.services {
		for _, i := range s.instances {
			fmt.Fprintf(&b, "%s said last:\n%s\n", i.name, i.said.end())
		}
	}
	return b.String()
}

// embeddedCluster runs skald broker as a process of its own.
func embeddedCluster(t *testing.T) cluster {
	binary, err := build(t.TempDir(), "github.com/skald-saga/skald/cmd/skald")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "broker", "--kafka-addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it is alone now, so it ends at once
		_, _ = io.Copy(io.Discard, stdout)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the embedded broker: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the embedded broker said nothing: %v", err)
	}
	addr, _, _ := strings.Cut(strings.TrimPrefix(line, "embedded broker at "), ",")
	return cluster{addrs: []string{addr}}
}
