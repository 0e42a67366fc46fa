package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

func TestMain(m *testing.M) {
	code := brokertest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// world is a namespace with a service that is played.
type world struct {
	t         *testing.T
	cfg       Config
	namespace wire.Namespace
	client    *kgo.Client
	admin     *kadm.Client
}

func newWorld(t *testing.T, addrs []string, prefix string) *world {
	t.Helper()
	w := &world{t: t, cfg: Config{Connection: kafka.Connection{Brokers: addrs, Logger: brokertest.Logger()}, Prefix: prefix}, namespace: wire.Namespace(prefix)}
	w.client = w.newClient()
	w.admin = kadm.NewClient(w.client)
	return w
}

func (w *world) newClient(options ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(append(w.cfg.Connection.Options(), options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// create makes topics, by names without prefix.
func (w *world) create(partitions int32, configs map[string]string, names ...string) {
	w.t.Helper()
	var specs []kafka.TopicSpec
	for _, name := range names {
		specs = append(specs, kafka.TopicSpec{Name: w.namespace.Topic(name), Partitions: partitions, Configs: configs})
	}
	if err := kafka.EnsureTopics(testContext(w.t), w.client, specs); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(topic, value string) {
	w.t.Helper()
	if err := w.client.ProduceSync(testContext(w.t), &kgo.Record{Topic: w.namespace.Topic(topic), Value: []byte(value)}).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

const greeter = "greeter"

// announce writes what the service greeter says of itself, by a clock that is ahead.
func (w *world) announce(ahead time.Duration) {
	w.t.Helper()
	a := wire.Announcement{
		Service: greeter, Instance: "host-1", Time: time.Now().Add(ahead), Every: 60_000,
		Steps: []wire.Step{{Topic: "hello", Role: wire.RoleStep, Next: []string{"greeted"}}},
	}
	w.write("skald.services", string(a.Encode()))
}

// topics are all that the service needs; its registry stamps what comes in.
func (w *world) topics() {
	w.t.Helper()
	w.create(4, nil, "hello", "greeted", "skald.greeter.inbox", "skald.greeter.ledger", "skald.outcomes", "skald.cancel")
	w.create(1, map[string]string{stampType: onAppend}, "skald.services")
}

// join makes the service a member of its group, and returns when it has all partitions. It takes all that is there.
func (w *world) join() (leave func()) {
	w.t.Helper()
	joined := make(chan struct{}, 1)
	client := w.newClient(
		kgo.ConsumerGroup(w.namespace.Group(greeter)), kgo.ConsumeTopics(w.namespace.Topic("hello"), w.namespace.Topic("skald.greeter.inbox")),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }),
	)
	select {
	case <-joined:
	case <-testContext(w.t).Done():
		w.t.Fatal("the group was not joined")
	}
	return client.Close
}

// commit sets the group's offsets to the end of everything.
func (w *world) commit() {
	w.t.Helper()
	ends, err := w.admin.ListEndOffsets(testContext(w.t), w.namespace.Topic("hello"), w.namespace.Topic("skald.greeter.inbox"))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.admin.CommitAllOffsets(testContext(w.t), w.namespace.Group(greeter), ends.Offsets()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) examine() []Finding {
	w.t.Helper()
	return Examine(testContext(w.t), w.cfg)
}

// find gives the finding of a check that says something, which has to be so severe. It must have a fix unless all is well.
func find(t *testing.T, findings []Finding, check string, severity Severity, says ...string) Finding {
	t.Helper()
	for _, f := range findings {
		if f.Check != check || f.Severity != severity {
			continue
		}
		lacks := false
		for _, text := range says {
			lacks = lacks || !strings.Contains(f.Text, text)
		}
		if !lacks {
			if f.Severity != OK && f.Fix == "" {
				t.Errorf("without a fix: %s", f.Text)
			}
			return f
		}
	}
	t.Errorf("no %s of %q says %q; there is:\n%s", severity, check, says, listed(findings))
	return Finding{}
}

// allWell wants that nothing of a check is worse than ok.
func allWell(t *testing.T, findings []Finding, checks ...string) {
	t.Helper()
	for _, check := range checks {
		seen := false
		for _, f := range findings {
			seen = seen || f.Check == check
			if f.Check == check && f.Severity != OK {
				t.Errorf("%s %s: %s", f.Check, f.Severity, f.Text)
			}
		}
		if !seen {
			t.Errorf("%q was not examined", check)
		}
	}
}

func listed(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%-8s %-12s %s\n%21s → %s\n", f.Severity, f.Check, f.Text, "", f.Fix)
	}
	return b.String()
}

// follow types the command of a fix.
func follow(t *testing.T, fix string) {
	t.Helper()
	i := strings.Index(fix, "kafka-")
	if j := strings.Index(fix, "echo "); j >= 0 && j < i {
		i = j
	}
	if i < 0 {
		t.Fatalf("no command in %q", fix)
	}
	command, _, _ := strings.Cut(fix[i:], " and start")
	if out, err := brokertest.Type(t, command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}
