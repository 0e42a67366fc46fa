package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/kafka"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka/embedded"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

func startBroker(t testing.TB, addr string) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(embedded.Config{Addr: addr, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newClient(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kafka.NewReader(append(opts, kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl.Client
}

// produce writes records where they say, creating their topics.
func produce(t testing.TB, cl *kgo.Client, ns wire.Namespace, records []wire.Record) {
	t.Helper()
	createTopics(t, cl, ns, records)
	produced := make([]*kgo.Record, 0, len(records))
	for _, r := range records {
		produced = append(produced, kafkaRecord(ns, r))
	}
	if err := cl.ProduceSync(soon(t), produced...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func createTopics(t testing.TB, cl *kgo.Client, ns wire.Namespace, records []wire.Record) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range records {
		if seen[r.Topic] {
			continue
		}
		seen[r.Topic] = true
		_, err := kadm.NewClient(cl).CreateTopic(soon(t), journalPartitions, -1, nil, ns.Topic(r.Topic))
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			t.Fatal(err)
		}
	}
}

func kafkaRecord(ns wire.Namespace, r wire.Record) *kgo.Record {
	k := &kgo.Record{Topic: ns.Topic(r.Topic), Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Time}
	for _, h := range r.Headers {
		k.Headers = append(k.Headers, kgo.RecordHeader(h))
	}
	return k
}

// heartbeats gives the announcements of all services, as of now.
func heartbeats(now time.Time, every time.Duration, stopped bool) []wire.Record {
	records := make([]wire.Record, 0, len(announcements))
	for _, a := range announcements {
		a.Time, a.Started, a.Every, a.Stopped = now, now, int(every.Milliseconds()), stopped
		records = append(records, wire.Record{Topic: "skald.services", Key: a.Key(), Value: a.Encode(), Time: now})
	}
	return records
}

// run makes a tracker read until the test ends or the returned function is called.
func run(t testing.TB, cfg Config) (*Tracker, func()) {
	t.Helper()
	cfg.Logger = quiet
	if cfg.KeepFor == 0 {
		cfg.KeepFor = -1 // the sagas of a journal are old
	}
	tr := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Error("the tracker didn't stop within 5 s")
		}
	}
	t.Cleanup(stop)
	return tr, stop
}

// await waits, change by change, until the condition holds.
func await(t testing.TB, tr *Tracker, what string, condition func() bool) {
	t.Helper()
	ctx := soon(t)
	for {
		_, changed := tr.Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v; lag %+v", what, ctx.Err(), tr.Lag())
		}
	}
}

// eventually is for what no change is announced of.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func completed(tr *Tracker, id string) func() bool {
	return func() bool {
		saga, err := tr.Saga(context.Background(), id)
		return err == nil && saga.Status == wire.Completed
	}
}

// hasRead is true once exactly so many records were read since the tracker was made.
func hasRead(tr *Tracker, records int) func() bool {
	return func() bool { return testutil.ToFloat64(tr.metrics.records) == float64(records) }
}

func TestReadsWhatServicesDeclare(t *testing.T) {
	brokertest.Each(t, func(t *testing.T, b brokertest.Broker) {
		ns := wire.Namespace(b.Prefix)
		client := newClient(t, b.Addrs[0])
		j := newJournal()
		s := plain(1)
		s.Adopted, s.Parked = true, [4]bool{true, true, true, true}
		id := j.write(s)

		// Nothing is there yet, not even the registry: topics come while it runs.
		tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})
		beats := heartbeats(time.Now(), 3*time.Second, false)
		produce(t, client, ns, beats)
		produce(t, client, ns, j.records)
		await(t, tr, "the saga to complete", completed(tr, id))
		all := hasRead(tr, len(beats)+len(j.records)) // by its lag alone, topics that it hasn't found yet are nothing to be read
		eventually(t, "all to be read", func() bool {
			lag := tr.Lag()
			return all() && lag.Records == 0 && lag.Reachable && lag.Age < 2*time.Second
		})

		saga, err := tr.Saga(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"new-user provisioner done", "authorize authorizer done", "notify notifier done", "notified provisioner done"}
		if diff := cmp.Diff(want, brief(saga)); diff != "" {
			t.Errorf("wanted (-), told (+):\n%s", diff)
		}
		counts, err := tr.Counts(t.Context(), "onboarding")
		if err != nil || counts[wire.Completed] != 1 || len(counts) != 1 {
			t.Errorf("counts %v, error %v", counts, err)
		}
	})
}

func TestGoesOnWhereItStopped(t *testing.T) { brokertest.Each(t, testGoesOnWhereItStopped) }

func testGoesOnWhereItStopped(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	client := newClient(t, b.Addrs[0])
	st := openStore(t)
	produce(t, client, ns, heartbeats(time.Now(), 3*time.Second, false))
	first, second := newJournal(), newJournal()
	one, two := first.write(plain(1)), second.write(plain(2))
	produce(t, client, ns, first.records)

	cfg := Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: st}
	tr, stop := run(t, cfg)
	eventually(t, "all to be read", hasRead(tr, len(announcements)+len(first.records)))
	if !completed(tr, one)() {
		t.Error("the first saga isn't completed")
	}
	stop()
	seqBefore, _ := tr.Changed()

	produce(t, client, ns, second.records)
	tr, _ = run(t, cfg)
	await(t, tr, "the second saga", completed(tr, two))
	eventually(t, "no lag", func() bool { return tr.Lag().Records == 0 && tr.Lag().Age < lookEvery })
	if !hasRead(tr, len(second.records))() {
		t.Errorf("read %v records after the restart, want the %d new ones", testutil.ToFloat64(tr.metrics.records), len(second.records))
	}
	changed, err := tr.ChangedSince(t.Context(), seqBefore, "", 0)
	if err != nil || len(changed) != 1 || changed[0].ID != two {
		t.Errorf("changed since the restart: %s, error %v; want only the second saga", mustJSON(changed), err)
	}
}

func TestUncommittedEventsAreNeverSeen(t *testing.T) {
	brokertest.Each(t, testUncommittedEventsAreNeverSeen)
}

func testUncommittedEventsAreNeverSeen(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	client := newClient(t, b.Addrs[0])
	produce(t, client, ns, heartbeats(time.Now(), 3*time.Second, false))
	aborted, committed := newJournal(), newJournal()
	never, id := aborted.write(plain(1)), committed.write(plain(5)) // in the same partition
	createTopics(t, client, ns, committed.records)
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})

	tx := newClient(t, b.Addrs[0], kgo.TransactionalID(b.Prefix+"test"))
	write := func(records []wire.Record, end kgo.TransactionEndTry) {
		t.Helper()
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			tx.Produce(t.Context(), kafkaRecord(ns, r), func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := tx.Flush(soon(t)); err != nil {
			t.Fatal(err)
		}
		if err := tx.EndTransaction(soon(t), end); err != nil {
			t.Fatal(err)
		}
	}
	write(aborted.records, kgo.TryAbort)
	write(committed.records, kgo.TryCommit)
	await(t, tr, "the committed saga", completed(tr, id))
	eventually(t, "no lag, aborted records and ends of transactions included", func() bool { return tr.Lag().Records == 0 })
	if _, err := tr.Saga(t.Context(), never); !errors.Is(err, ErrNotFound) {
		t.Errorf("the aborted saga: error %v, want %v", err, ErrNotFound)
	}
}

func TestServicesGoUpAndDown(t *testing.T) { brokertest.Each(t, testServicesGoUpAndDown) }

func testServicesGoUpAndDown(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	client := newClient(t, b.Addrs[0])
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})
	up := func() (n int) {
		services, err := tr.Services(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range services {
			for _, i := range s.Instances {
				if i.Up {
					n++
				}
			}
		}
		return n
	}
	produce(t, client, ns, heartbeats(time.Now(), time.Minute, false))
	await(t, tr, "three services up", func() bool { return up() == 3 })
	produce(t, client, ns, heartbeats(time.Now(), time.Minute, true))
	await(t, tr, "three goodbyes", func() bool { return up() == 0 })
	produce(t, client, ns, heartbeats(time.Now(), 300*time.Millisecond, false))
	await(t, tr, "three services up again", func() bool { return up() == 3 })
	await(t, tr, "three services silent", func() bool { return up() == 0 })

	produce(t, client, ns, []wire.Record{{Topic: "skald.services", Value: []byte("what")}, {Topic: "skald.services", Value: []byte("{}")}})
	eventually(t, "two announcements to be skipped", func() bool {
		return testutil.ToFloat64(tr.metrics.skipped.WithLabelValues(string(skipAnnounced))) == 2
	})
}

func TestBrokerGoesAwayAndAnotherComes(t *testing.T) { eachStore(t, testBrokerGoesAwayAndAnotherComes) }

func testBrokerGoesAwayAndAnotherComes(t *testing.T, st *store.Store) {
	broker := startBroker(t, "127.0.0.1:0")
	addr := broker.Addr()
	metrics := prometheus.NewPedanticRegistry()
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: []string{addr}}, Store: st, Metrics: metrics})
	j := newJournal()
	old := j.write(plain(1))
	client := newClient(t, addr)
	produce(t, client, "", append(heartbeats(time.Now(), time.Minute, false), j.records...))
	await(t, tr, "the saga", completed(tr, old))
	seqBefore, _ := tr.Changed()

	client.Close()
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss to be noticed", func() bool { return !tr.Lag().Reachable })
	if !completed(tr, old)() {
		t.Error("without a broker, what was read can't be told any more")
	}
	services, err := tr.Services(t.Context())
	if err != nil || len(services) != 3 || !services[0].Instances[0].Up {
		t.Errorf("services while the broker is away: %+v, error %v; want them as they were", services, err)
	}

	// A broker in memory comes back as another cluster, with nothing of the old one.
	startBroker(t, addr)
	client = newClient(t, addr)
	j = newJournal()
	id := j.write(plain(2))
	produce(t, client, "", append(heartbeats(time.Now(), time.Minute, false), j.records...))
	await(t, tr, "the saga of the new cluster", completed(tr, id))
	if _, err := tr.Saga(t.Context(), old); !errors.Is(err, ErrNotFound) {
		t.Errorf("the saga of the old cluster: error %v, want %v", err, ErrNotFound)
	}
	changed, err := tr.ChangedSince(t.Context(), seqBefore, "", 0)
	if err != nil || len(changed) != 1 {
		t.Errorf("a stream that goes on from before sees %s, error %v; want the new saga", mustJSON(changed), err)
	}
	if n, err := testutil.GatherAndCount(metrics); err != nil || n == 0 {
		t.Errorf("%d metrics, error %v", n, err)
	}
}

// A store that tells of one cluster begins anew with another, whatever its address is.
func TestStoreOfAnotherCluster(t *testing.T) {
	eachStore(t, func(t *testing.T, st *store.Store) {
		brokertest.Each(t, func(t *testing.T, b brokertest.Broker) { testStoreOfAnotherCluster(t, st, b) })
	})
}

func testStoreOfAnotherCluster(t *testing.T, st *store.Store, b brokertest.Broker) {
	first := startBroker(t, "127.0.0.1:0")
	j := newJournal()
	old := j.write(plain(1))
	produce(t, newClient(t, first.Addr()), wire.Namespace(b.Prefix), append(heartbeats(time.Now(), time.Minute, false), j.records...))
	cfg := Config{Connection: kafka.Connection{Brokers: []string{first.Addr()}}, Namespace: wire.Namespace(b.Prefix), Store: st}
	tr, stop := run(t, cfg)
	await(t, tr, "the saga", completed(tr, old))
	stop()

	j = newJournal()
	id := j.write(plain(2))
	produce(t, newClient(t, b.Addrs[0]), wire.Namespace(b.Prefix), append(heartbeats(time.Now(), time.Minute, false), j.records...))
	cfg.Connection.Brokers = b.Addrs
	tr, stop = run(t, cfg)
	await(t, tr, "the saga of the other cluster", completed(tr, id))
	if _, err := tr.Saga(t.Context(), old); !errors.Is(err, ErrNotFound) {
		t.Errorf("the saga of the first cluster: error %v, want %v", err, ErrNotFound)
	}
	stop()
}

func TestTrimmedLedgerIsNoLag(t *testing.T) { brokertest.Each(t, testTrimmedLedgerIsNoLag) }

func testTrimmedLedgerIsNoLag(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	client := newClient(t, b.Addrs[0])
	j := newJournal()
	s := plain(1)
	s.Parked = [4]bool{true, true, true, true}
	id := j.write(s)
	produce(t, client, ns, append(heartbeats(time.Now(), time.Minute, false), j.records...))
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(soon(t), ns.Ledger("provisioner"), ns.Ledger("authorizer"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteRecords(soon(t), ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})
	await(t, tr, "the saga", completed(tr, id))
	eventually(t, "no lag", func() bool { return tr.Lag().Records == 0 && tr.Lag().Reachable })
}

// Somebody's batch of 70 MB of zeros takes 70 KB on the wire. It must not stop the partition for what comes after.
func TestCompressedBombIsPassedOver(t *testing.T) { brokertest.Each(t, testCompressedBombIsPassedOver) }

func testCompressedBombIsPassedOver(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	bomber := newClient(t, b.Addrs[0], kgo.ProducerBatchMaxBytes(80<<20), kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.MaxBufferedRecords(100), kgo.ManualFlushing())
	client := newClient(t, b.Addrs[0])
	j := newJournal()
	id := j.write(plain(1))
	produce(t, client, ns, heartbeats(time.Now(), time.Minute, false))
	createTopics(t, client, ns, j.records)
	zeros := make([]byte, 1<<20)
	for range 70 {
		bomber.Produce(t.Context(), &kgo.Record{Topic: ns.Topic("new-user"), Partition: j.records[0].Partition, Value: zeros}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := bomber.Flush(soon(t)); err != nil {
		t.Fatal(err)
	}
	produce(t, client, ns, j.records)
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})
	await(t, tr, "the saga's start", func() bool {
		saga, err := tr.Saga(t.Context(), id)
		return err == nil && len(saga.Steps) == 4 && saga.Steps[0].Topic == "new-user" && !saga.Steps[0].Queued.IsZero()
	})
	if got := testutil.ToFloat64(tr.metrics.skipped.WithLabelValues(string(skipTooLarge))); got != 1 {
		t.Errorf("%v batches passed over, want 1", got)
	}
	eventually(t, "no lag", func() bool { return tr.Lag().Records == 0 && tr.Lag().Reachable })
}

func TestQueries(t *testing.T) { eachStore(t, testQueries) }

func testQueries(t *testing.T, st *store.Store) {
	tr := New(Config{Store: st, Logger: quiet})
	j := newJournal()
	var ids []string // the youngest first
	for n := range 7 {
		s := plain(n)
		if n == 3 {
			s.HaltedAt = 1
		}
		ids = append([]string{j.write(s)}, ids...)
	}
	putRecords(t, tr.cfg.Store, shuffled(j.records, 1))
	tests := map[string]struct {
		query Query
		want  []string
	}{
		"all":               {Query{}, ids},
		"of a workflow":     {Query{Workflow: "onboarding"}, ids},
		"of another":        {Query{Workflow: "helpdesk"}, nil},
		"halted":            {Query{Status: Halted}, ids[3:4]},
		"halted onboarding": {Query{Status: Halted, Workflow: "onboarding"}, ids[3:4]},
		"part of a key":     {Query{Search: "ADA.5@"}, ids[1:2]},
		"part of all keys":  {Query{Search: "example", Status: wire.Completed}, append(append([]string(nil), ids[:3]...), ids[4:]...)},
		"no part of a key":  {Query{Search: `"%_*`}, nil},
		"an ID":             {Query{Search: ids[2]}, ids[2:3]},
		"an ID, filtered":   {Query{Search: ids[2], Status: Halted}, nil},
	}
	for name, test := range tests {
		for _, limit := range []int{1, 3, 6, 7, 8, 1000} {
			t.Run(fmt.Sprint(name, "/", limit), func(t *testing.T) {
				if diff := cmp.Diff(test.want, leaf(t, tr, test.query, limit)); diff != "" {
					t.Errorf("wanted (-), listed (+):\n%s", diff)
				}
			})
		}
	}
}

// leaf goes through all pages.
func leaf(t *testing.T, tr *Tracker, q Query, limit int) (ids []string) {
	t.Helper()
	for q.Limit = limit; ; {
		page, err := tr.Sagas(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Sagas) > limit {
			t.Errorf("a page of %d, asked for %d", len(page.Sagas), limit)
		}
		for _, s := range page.Sagas {
			ids = append(ids, s.ID)
			if len(s.Steps) == 0 || len(s.Steps[0].Payload) == 0 {
				t.Errorf("saga %s is listed without steps or payloads", s.ID)
			}
		}
		if page.Next == "" {
			return ids
		}
		q.Cursor = page.Next
	}
}

func TestListsWithoutPayloads(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	j := newJournal()
	j.write(plain(1))
	putRecords(t, tr.cfg.Store, j.records)
	with, err := tr.Sagas(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	without, err := tr.Sagas(t.Context(), Query{WithoutPayloads: true})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := tr.ChangedSince(t.Context(), 0, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := with.Sagas
	for i := range want[0].Steps {
		if len(want[0].Steps[i].Payload) == 0 {
			t.Errorf("step %d is listed without its payload", i)
		}
		want[0].Steps[i].Payload = nil
	}
	for _, got := range [][]Saga{without.Sagas, changed} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("but for payloads wanted (-), got (+):\n%s", diff)
		}
	}
}

func TestBadQueries(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	for _, test := range []struct {
		query Query
		field string
	}{
		{Query{Limit: -1}, "limit"},
		{Query{Limit: 1001}, "limit"},
		{Query{Status: "happy"}, "status"},
		{Query{Cursor: "garbled"}, "cursor"},
		{Query{Cursor: "!"}, "cursor"},
		{Query{Search: "ab"}, "search"},
		{Query{Search: "a\x00c"}, "search"},
		{Query{Workflow: "\xff"}, "workflow"},
		{Query{Service: "\x00"}, "service"},
		{Query{Topic: strings.Repeat("x", 250)}, "topic"},
		{Query{StartedAfter: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}, "startedAfter"},
		{Query{StartedBefore: time.Date(2969, 1, 1, 0, 0, 0, 0, time.UTC)}, "startedBefore"},
		{Query{Search: "ce_type=authorize"}, "search"},
		{Query{Search: "dlq-id=x"}, "search"},
		{Query{Search: "traceparent=00-4bf9"}, "search"},
	} {
		var problem *QueryError
		if _, err := tr.Sagas(t.Context(), test.query); !errors.As(err, &problem) || problem.Field != test.field {
			t.Errorf("%+v: error %v, want one that names %s", test.query, err, test.field)
		}
	}
	for _, id := range []string{"", "x", "../../etc/passwd", someSaga} {
		if _, err := tr.Saga(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("saga %q: error %v, want %v", id, err, ErrNotFound)
		}
		if _, err := tr.Events(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("events of %q: error %v, want %v", id, err, ErrNotFound)
		}
	}
	if _, err := tr.ChangedSince(t.Context(), -1, "", 0); err == nil {
		t.Error("a negative position is taken")
	}
}
