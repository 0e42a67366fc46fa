package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/brokertest"
)

// What an onboarding needs may be started in any order. Each order here is played out: the next part is started only when the one
// before has done what it can by then, which is to work or to say what it waits for.
//
// With SKALD_TEST_ORDERS=all that is every one of the 720 orders on the embedded broker, which takes 7 minutes; else so few that
// any three parts stand in every possible order among themselves in one of them at least: a sequence covering array. Parts
// meet in pairs (through a topic that one creates and another reads) or in threes (with the broker between).
var startupParts = []string{"broker", "provisioner", "authorizer", "notifier", "console", "client"}

func TestStartupOrderDoesNotMatter(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		orders := coveringOrders(startupParts, 3)
		if os.Getenv("SKALD_TEST_ORDERS") == "all" {
			orders = permutations(startupParts)
		}
		playOrders(t, orders, func(t *testing.T) (string, func()) {
			addr := freeAddress(t)
			return addr, func() { newPart(t, "broker", "broker", "--kafka-addr", addr).says(t, "embedded broker at") }
		})
	})
	t.Run("apache", func(t *testing.T) {
		b := brokertest.Apache(t)
		// One broker serves all orders, each in a namespace of its own. That it isn't there yet is played by an address at which
		// nobody listens; TestEverythingWaitsForApacheKafka has the real thing.
		playOrders(t, coveringOrders(startupParts, 3), func(t *testing.T) (string, func()) {
			addr := freeAddress(t)
			return addr, func() { forward(t, addr, b.Addrs[0]) }
		})
	})
}

// Everything is started against a cluster of three nodes that is started last.
func TestEverythingWaitsForApacheKafka(t *testing.T) {
	c := brokertest.NewCluster(t, 3)
	for _, node := range c.Nodes {
		node.Kill()
	}
	brokers := strings.Join(c.Addrs(), ",")
	o := newStartup(t, brokers)
	for _, name := range startupParts[1:] {
		o.start(t, name, "waiting for Kafka")
	}
	var started sync.WaitGroup
	for _, node := range c.Nodes {
		started.Go(func() {
			if err := node.Start(); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	o.finish(t)
}

// playOrders plays orders. broker gives an address and what starts a broker there.
func playOrders(t *testing.T, orders [][]string, broker func(*testing.T) (addr string, start func())) {
	t.Run("orders", func(t *testing.T) {
		for _, order := range orders {
			t.Run(strings.Join(order, ","), func(t *testing.T) {
				t.Parallel()
				addr, start := broker(t)
				playOrder(t, order, addr, start)
			})
		}
	})
	t.Logf("%d orders of %d parts", len(orders), len(startupParts))
}

func playOrder(t *testing.T, order []string, addr string, startBroker func()) {
	o := newStartup(t, addr)
	thereIs := func(name string) bool { return slices.Index(order, name) < len(o.started) }
	for _, name := range order {
		switch {
		case name == "broker":
			startBroker()
			o.started = append(o.started, name)
		case !thereIs("broker"):
			o.start(t, name, "waiting for Kafka")
		case name == "console":
			o.start(t, name, "Skald console")
		case name == "client" && !thereIs("provisioner"):
			o.start(t, name, "waiting for topics")
		case name == "client":
			o.start(t, name, "started ")
		default:
			o.start(t, name, name+" has joined its group")
		}
	}
	o.finish(t)
}

// startup is what was started so far in one order.
type startup struct {
	commands map[string][]string
	parts    map[string]*runningPart
	started  []string
}

func newStartup(t *testing.T, brokers string) *startup {
	mails, data := mailServer(t), t.TempDir()
	prefix := fmt.Sprintf("startup-%d.", rand.Int64())
	kafka := []string{"--brokers", brokers, "--prefix", prefix}
	o := &startup{parts: map[string]*runningPart{}, commands: map[string][]string{
		"console": append([]string{"console", "--addr", "127.0.0.1:0", "--partitions", "2"}, kafka...),
		"client":  append([]string{"start", "onboarding", ada, "--watch", "--wait", "2m"}, kafka...),
	}}
	for _, name := range serviceNames {
		o.commands[name] = append([]string{"run", name, "--data", data, "--smtp-addr", mails.Addr(), "--partitions", "2"}, kafka...)
	}
	return o
}

// start starts a part and waits until it says a word.
func (o *startup) start(t *testing.T, name, says string) {
	t.Helper()
	o.parts[name] = newPart(t, name, o.commands[name]...)
	o.started = append(o.started, name)
	o.parts[name].says(t, says)
}

// finish waits until the saga is seen as completed, by the client and in the console.
func (o *startup) finish(t *testing.T) {
	t.Helper()
	o.parts["client"].says(t, " completed in ")
	line := o.parts["console"].says(t, "Skald console: ")
	i := &instance{console: strings.TrimSpace(strings.TrimPrefix(line, "Skald console: "))}
	eventually(t, "completed in the console", func() bool { return i.completed(t) == 1 })
	for _, p := range o.parts { // while the broker is still there, so that they needn't wait for it in vain
		p.stop()
	}
	for _, p := range o.parts {
		p.ended(t)
	}
}

// runningPart is a command that runs until the test ends, and what it says on stdout and stderr.
type runningPart struct {
	name string
	stop context.CancelFunc
	code chan int // its exit code, given back by whoever looks

	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newPart(t *testing.T, name string, args ...string) *runningPart {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &runningPart{name: name, stop: cancel, code: make(chan int, 1), more: make(chan struct{})}
	read, write := io.Pipe()
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			p.add(lines.Text())
		}
	}()
	go func() {
		code := run(ctx, args, strings.NewReader(""), write, write)
		write.Close()
		<-listened
		p.code <- code
	}()
	t.Cleanup(func() {
		p.stop()
		p.ended(t)
	})
	return p
}

// ended waits for the end.
func (p *runningPart) ended(t *testing.T) {
	t.Helper()
	code := <-p.code
	p.code <- code
	if code != exitOK {
		t.Errorf("%s ended with %d:\n%s", p.name, code, strings.Join(p.lines, "\n"))
	}
}

func (p *runningPart) add(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line)
	close(p.more)
	p.more = make(chan struct{})
}

// says waits until the part has said a word, and gives that line.
func (p *runningPart) says(t *testing.T, word string) string {
	t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		p.mu.Lock()
		lines, more := slices.Clone(p.lines), p.more
		p.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, word) {
				return line
			}
		}
		select {
		case <-more:
		case <-timer.C:
			t.Fatalf("%s didn't say %q within a minute, but:\n%s", p.name, word, strings.Join(lines, "\n"))
		}
	}
}

// freeAddress is one where nobody listens. It lies below the range from which the kernel picks ports for outgoing connections,
// so that it is still free when the broker comes.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// forward listens at an address and passes everything on to another one until the test ends.
func forward(t *testing.T, from, to string) {
	t.Helper()
	l, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		wait.Wait()
	})
	wait.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			broker, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			pass := func(to, from net.Conn) {
				_, _ = io.Copy(to, from) // that one end closes is what ends it
				client.Close()
				broker.Close()
			}
			wait.Go(func() { pass(broker, client) })
			wait.Go(func() { pass(client, broker) })
		}
	})
}
