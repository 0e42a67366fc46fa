package doctor

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
)

var allChecks = []string{"brokers", "transactions", "registry", "topics", "replicas", "services", "clocks"}

func TestHealthyNamespace(t *testing.T) { brokertest.Each(t, testHealthyNamespace) }

func testHealthyNamespace(t *testing.T, b brokertest.Broker) {
	w := newWorld(t, b.Addrs, b.Prefix)
	w.topics()
	w.announce(0)
	w.write("hello", "world")
	w.commit()
	w.join()
	findings := w.examine()
	t.Log("\n" + listed(findings))
	allWell(t, findings, allChecks...)
	find(t, findings, "registry", OK, "greeter (1 running)")
	find(t, findings, "services", OK, "greeter: 1 member, lag 0")
	find(t, findings, "topics", OK, "6 topics, of 4 partitions")
	if b.Embedded {
		find(t, findings, "clocks", OK, "clock is not compared")
	} else {
		find(t, findings, "clocks", OK, "clock and those of 1 broker are at most")
	}

	// It leaves nothing behind.
	topics, err := w.admin.ListTopics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, b.Prefix+"skald.doctor") {
			t.Errorf("topic %s is still there", name)
		}
	}
}

func TestEmptyCluster(t *testing.T) {
	b := brokertest.Embedded(t)
	findings := newWorld(t, b.Addrs, b.Prefix).examine()
	allWell(t, findings, "brokers", "transactions", "topics", "replicas", "services", "clocks")
	f := find(t, findings, "registry", Warning, "no service has announced itself")
	if want := "skald run SERVICE --brokers " + b.Addrs[0] + " --prefix " + b.Prefix; !strings.Contains(f.Fix, want) {
		t.Errorf("the fix lacks %q: %s", want, f.Fix)
	}
}

func TestNoBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	extra := Reachable("mail server", addr, "start it")
	findings := Examine(testContext(t), Config{Connection: kafka.Connection{Brokers: []string{addr}}, Extra: []Check{extra}})
	if len(findings) != 2 {
		t.Errorf("one finding about Kafka and one about mail are wanted:\n%s", listed(findings))
	}
	find(t, findings, "brokers", Problem, addr, "refused")
	find(t, findings, "mail server", Problem, addr)

	findings = Examine(testContext(t), Config{Connection: kafka.Connection{Brokers: []string{"nonsense"}}})
	find(t, findings, "brokers", Problem, "Brokers", "host:port")
}

func TestAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	find(t, Reachable("store", addr, "start it").Run(testContext(t)), "store", OK, addr)
	find(t, Free("console", addr, "use --addr").Run(testContext(t)), "console", Warning, addr)
	find(t, Free("console", "127.0.0.1:0", "use --addr").Run(testContext(t)), "console", OK)
}

func TestServicesThatNobodyRuns(t *testing.T) { brokertest.Each(t, testServicesThatNobodyRuns) }

func testServicesThatNobodyRuns(t *testing.T, b brokertest.Broker) {
	w := newWorld(t, b.Addrs, b.Prefix)
	w.topics()
	w.announce(0)
	find(t, w.examine(), "services", OK, "no instance runs, and its topics are empty")

	w.write("hello", "one")
	w.commit()
	f := find(t, w.examine(), "services", Warning, "no instance runs, though nothing waits")
	if want := "skald run greeter --brokers " + strings.Join(b.Addrs, ","); !strings.Contains(f.Fix, want) {
		t.Errorf("the fix lacks %q: %s", want, f.Fix)
	}

	// One event waits, and markers of transactions behind the committed offset are none.
	writer := w.newClient(kgo.TransactionalID(b.Prefix + "writer"))
	for range 3 {
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		writer.Produce(testContext(t), &kgo.Record{Topic: w.namespace.Topic("hello"), Key: []byte("key"), Value: []byte("aborted")}, nil)
		if err := writer.EndTransaction(testContext(t), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	}
	w.write("hello", "two")
	find(t, w.examine(), "services", Problem, "no instance runs, and 1 event waits (1 in "+b.Prefix+"hello)")

	// With a member it is only lag.
	leave := w.join()
	find(t, w.examine(), "services", OK, "1 member")
	w.cfg.MaxLag = -1
	find(t, w.examine(), "services", Warning, "1 member", "wait")
	leave()
}

func TestClocks(t *testing.T) {
	b := brokertest.Apache(t)
	w := newWorld(t, b.Addrs, b.Prefix)
	w.topics()
	for range 3 {
		w.announce(-90 * time.Second)
	}
	for _, test := range []struct {
		ahead    time.Duration
		severity Severity
		says     []string
	}{
		{0, OK, []string{"this machine's clock and those of 1 broker"}},
		{30 * time.Second, Warning, []string{"this machine's clock is", "ahead of broker"}},
		{-30 * time.Second, Warning, []string{"this machine's clock is", "behind broker"}},
		{2 * time.Hour, Problem, []string{"this machine's clock is 2h0m0", "ahead of broker"}},
	} {
		w.cfg.Now = func() time.Time { return time.Now().Add(test.ahead) }
		findings := w.examine()
		find(t, findings, "clocks", test.severity, test.says...)
		find(t, findings, "clocks", Problem, "the clock of greeter on host-1 is 1m30", "behind the broker's")
	}
	w.cfg.Now = nil
	w.announce(0) // corrected, or this one was the first to come through quickly
	findings := w.examine()
	allWell(t, findings, "clocks")
	find(t, findings, "clocks", OK, "this machine's clock and those of 1 broker")
}

func TestUnequalCounts(t *testing.T) { brokertest.Each(t, testUnequalCounts) }

func testUnequalCounts(t *testing.T, b brokertest.Broker) {
	w := newWorld(t, b.Addrs, b.Prefix)
	w.create(1, nil, "skald.services")
	w.announce(0)
	find(t, w.examine(), "topics", Problem, "6 topics missing", b.Prefix+"hello")
	w.create(2, nil, "hello")
	w.create(6, nil, "greeted")
	w.create(4, nil, "skald.greeter.inbox", "skald.greeter.ledger", "skald.outcomes", "skald.cancel")
	findings := w.examine()
	smaller := find(t, findings, "topics", Problem, b.Prefix+`hello" has 2 partitions, but 4 other topics of this namespace have 4`)
	larger := find(t, findings, "topics", Problem, b.Prefix+`greeted" has 6 partitions`)
	if !strings.Contains(larger.Fix, "--delete --topic "+b.Prefix+"greeted") {
		t.Errorf("the fix: %s", larger.Fix)
	}
	find(t, findings, "clocks", OK, "not compared")
	w.write("hello", "a saga's")
	if f := find(t, w.examine(), "topics", Problem, b.Prefix+`hello" has 2`); strings.Contains(f.Fix, "--alter") {
		t.Errorf("records would stay in the wrong partitions: %s", f.Fix)
	}
	if b.Embedded {
		return
	}
	follow(t, smaller.Fix)
	follow(t, larger.Fix)
	w.topics()
	allWell(t, w.examine(), "topics")
}

// Who may hardly do anything learns what could not be examined, and which ACL it takes.
func TestUserWithoutRights(t *testing.T) {
	const listener = "LOGIN"
	cluster := brokertest.NewCluster(t, 1, brokertest.WithACLs(), brokertest.WithUsers(map[string]string{"bob": "secret"}),
		brokertest.WithListeners(brokertest.Listener{Name: listener, Mechanisms: []string{kafka.Plain}}))
	w := newWorld(t, cluster.Addrs(), "")
	w.topics()
	w.announce(0)
	w.cfg.Connection.Brokers = cluster.AddrsOf(listener)
	w.cfg.Connection.SASL = &kafka.SASL{Mechanism: kafka.Plain, User: "bob", Password: "secret"}
	findings := w.examine()
	t.Log("\n" + listed(findings))
	allWell(t, findings, "brokers", "transactions")
	follow := func(check string, says ...string) {
		t.Helper()
		f := find(t, findings, check, Warning, append(says, "not examined", "User:bob", "ACL is missing")...)
		fix := strings.Replace(f.Fix, w.cfg.Connection.Brokers[0], cluster.Addrs()[0], 1)
		follow(t, strings.Replace(fix, "--command-config admin.properties ", "", 1))
	}
	follow("registry", "skald.services")
	follow("clocks", "skald.doctor.*")
	findings = w.examine()
	allWell(t, findings, "registry", "clocks")
	follow("topics")
	follow("services", "skald.greeter")
}
