package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// testTimeout bounds every wait of a test: what hasn't happened by then won't.
const testTimeout = 20 * time.Second

func testContext(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(context.Background(), testTimeout)
}

// world is a namespace on a broker, with a client that is no part of Skald.
type world struct {
	t      testing.TB
	b      brokertest.Broker
	ns     wire.Namespace
	n      int32 // partitions
	client *kgo.Client
}

func newWorld(t testing.TB, b brokertest.Broker, partitions int32, topics ...string) *world {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.ProducerLinger(0), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ProducerBatchMaxBytes(32<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &world{t: t, b: b, ns: wire.Namespace(b.Prefix), n: partitions, client: client}
	var specs []kafka.TopicSpec
	for _, topic := range topics {
		spec := kafka.TopicSpec{Name: w.ns.Topic(topic), Partitions: partitions}
		if strings.HasSuffix(topic, ".ledger") {
			spec.Configs = map[string]string{"max.message.bytes": "16777216"}
		}
		specs = append(specs, spec)
	}
	ctx, cancel := testContext(t)
	defer cancel()
	if err := kafka.EnsureTopics(ctx, client, specs); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) config() engine.Config {
	return engine.Config{
		Connection: kafka.Connection{Brokers: w.b.Addrs}, Namespace: w.ns, Partitions: w.n, Instance: "one", MaxOpenSagas: 100_000, MaxUnfinished: 20_000,
		DrainTimeout: 5 * time.Second, Logger: brokertest.Logger(), Settle: max(0, w.b.Settle()), TransactionTimeout: 10 * time.Second,
		SessionTimeout: engine.DefaultSessionTimeout,
		Hold:           engine.DefaultHold,
		Upkeep:         engine.DefaultUpkeep, Joined: func(string) {},
	}
}

// process is a session that runs.
type process struct {
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// run runs a session until it is stopped, at the latest at the end of the test.
func (w *world) run(cfg engine.Config, service engine.Service) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: w.t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = engine.NewSession(cfg, service).Run(ctx)
	}()
	w.t.Cleanup(p.stop)
	return p
}

// stop drains the session. It must end without an error.
func (p *process) stop() {
	p.t.Helper()
	p.cancel()
	if err := p.wait(); err != nil {
		p.t.Errorf("Run: %v", err)
	}
}

func (p *process) wait() error {
	select {
	case <-p.done:
	case <-time.After(2 * testTimeout):
		p.t.Fatal("Run did not return")
	}
	err := p.err
	p.err = nil
	return err
}

// handlers counts calls and can hold them.
type handlers struct {
	mu      sync.Mutex
	calls   map[string]int // by idempotency key
	running map[string]int // by saga
	most    map[string]int // handlers that ran at a time, by step
	now     map[string]int
	overlap bool
	gate    func(topic string, e *wire.Event) <-chan struct{} // nil: no waiting
	watch   chan struct{}
	order   []string
}

func newHandlers() *handlers {
	return &handlers{
		calls: map[string]int{}, running: map[string]int{}, most: map[string]int{}, now: map[string]int{}, watch: make(chan struct{}),
	}
}

// handle is a handler that sends its input's payload on to next ("" for none).
func (h *handlers) handle(topic, next string) func(context.Context, *wire.Event) ([]engine.Output, error) {
	return func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		defer h.enter(ctx, topic, e)()
		if h.gate != nil {
			if open := h.gate(topic, e); open != nil {
				select {
				case <-open:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		if next == "" {
			return nil, nil
		}
		return []engine.Output{{Topic: next, Payload: e.Payload, ContentType: "application/json"}}, nil
	}
}

func (h *handlers) enter(ctx context.Context, topic string, e *wire.Event) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[call.From(ctx).Key()]++
	h.order = append(h.order, string(e.Payload))
	h.now[topic]++
	h.most[topic] = max(h.most[topic], h.now[topic])
	if e.SagaID != "" {
		h.running[topic+e.SagaID]++
		h.overlap = h.overlap || h.running[topic+e.SagaID] > 1
	}
	close(h.watch)
	h.watch = make(chan struct{})
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now[topic]--
		h.running[topic+e.SagaID]--
	}
}

// await waits until the condition holds; it is asked after each call.
func (h *handlers) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := testContext(t)
	defer cancel()
	for {
		h.mu.Lock()
		ok, watch := holds(), h.watch
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-watch:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *handlers) callsOf(key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[key]
}

// expectOneCallEach fails if any handler was called again for the same work, or if there were not so many different ones.
func (h *handlers) expectOneCallEach(t *testing.T, n int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.calls) != n {
		t.Errorf("%d different handler calls, want %d", len(h.calls), n)
	}
	for _, key := range slices.Sorted(maps.Keys(h.calls)) {
		if h.calls[key] != 1 {
			t.Errorf("%d calls for %s, want 1", h.calls[key], key)
		}
	}
}

// Steps of the workflow "w": begin on "start", any steps, end on "end".

func (h *handlers) begin(next string) engine.Step {
	s := h.step("start", next)
	s.Role, s.Workflow, s.EndTopic = wire.RoleBegin, "w", "end"
	return s
}

func (h *handlers) end() engine.Step {
	s := h.step("end", "")
	s.Role, s.Workflow = wire.RoleEnd, "w"
	return s
}

func (h *handlers) step(topic, next string) engine.Step {
	s := engine.Step{
		Step: saga.Step{
			Step: wire.Step{Topic: topic, Role: wire.RoleStep}, SchemaVersion: 1, Concurrency: 1000,
			Readable: func(*wire.Event) error { return nil },
			Subject:  func(*wire.Event) string { return "" },
		},
		Handle: h.handle(topic, next),
	}
	if next != "" {
		s.Next = []string{next}
	}
	return s
}

// worker is a service with one step, from "in" to "out".
func (h *handlers) worker() engine.Service {
	return engine.Service{Name: "worker", Steps: []engine.Step{h.step("in", "out")}}
}

// initiator begins w on "start", sends it to next and ends it on "end".
func (h *handlers) initiator(next string) engine.Service {
	return engine.Service{Name: "initiator", Steps: []engine.Step{h.begin(next), h.end()}}
}

// sagaID is the same for the same name.
func sagaID(name any) string { return wire.SagaIDFor("w", fmt.Sprint(name)) }

// eventOf is an event of a saga, the payload of which is its name.
func eventOf(saga, name string, hop int) *wire.Event {
	return &wire.Event{
		ID: wire.EventID(saga, "test", name, hop), Source: "/test", Type: "test", Time: time.Now(), ContentType: "application/json",
		SagaID: saga, Workflow: "w", Hop: hop, Payload: []byte(fmt.Sprintf("%q", name)),
	}
}

func (w *world) partition(saga string) int32 { return kafka.PartitionFor([]byte(saga), w.n) }

// record puts an event where a service would put it.
func (w *world) record(topic string, e *wire.Event) *kgo.Record {
	r := &kgo.Record{Topic: w.ns.Topic(topic), Value: e.Payload, Timestamp: time.Now()}
	if e.SagaID != "" {
		r.Key, r.Partition = []byte(e.SagaID), w.partition(e.SagaID)
	}
	for _, h := range e.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

func (w *world) send(records ...*kgo.Record) {
	w.t.Helper()
	ctx, cancel := testContext(w.t)
	defer cancel()
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.t.Fatalf("produce: %v", err)
	}
}

// starts sends the events that n sagas begin with to a topic, and gives their IDs.
func (w *world) starts(topic string, n int) []string {
	w.t.Helper()
	return w.moreStarts(topic, 0, n)
}

func (w *world) moreStarts(topic string, from, to int) []string {
	w.t.Helper()
	var sagas []string
	var records []*kgo.Record
	for i := from; i < to; i++ {
		saga := sagaID(i)
		sagas = append(sagas, saga)
		records = append(records, w.record(topic, eventOf(saga, fmt.Sprint("start ", i), 0)))
	}
	w.send(records...)
	return sagas
}

// read gives what is committed on a topic, to its end of now.
func (w *world) read(topic string) []*kgo.Record {
	w.t.Helper()
	return w.readUntil(topic, "", nil)
}

// readUntil reads a topic from its start: until holds says yes of what was read so far, or, if that is nil, to the end of now.
func (w *world) readUntil(topic, what string, holds func([]*kgo.Record) bool) []*kgo.Record {
	w.t.Helper()
	ctx, cancel := testContext(w.t)
	defer cancel()
	name := w.ns.Topic(topic)
	left := map[int32]int64{}
	if holds == nil {
		ends, err := kadm.NewClient(w.client).ListCommittedOffsets(ctx, name)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			w.t.Fatalf("find the end of %s: %v", topic, err)
		}
		starts, err := kadm.NewClient(w.client).ListStartOffsets(ctx, name)
		if err != nil {
			w.t.Fatal(err)
		}
		ends.Each(func(o kadm.ListedOffset) {
			if start, _ := starts.Lookup(name, o.Partition); start.Offset < o.Offset {
				left[o.Partition] = o.Offset
			}
		})
		if len(left) == 0 {
			return nil
		}
	}
	reader, err := kafka.NewReader(kgo.SeedBrokers(w.b.Addrs...), kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		w.t.Fatal(err)
	}
	defer reader.Close()
	var all []*kgo.Record
	for {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("read %d records of %s, waited in vain for %s", len(all), topic, what)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if last, ok := left[r.Partition]; ok && r.Offset+1 >= last {
				delete(left, r.Partition)
			}
		}
		if holds == nil && len(left) == 0 || holds != nil && holds(all) {
			return all
		}
	}
}

// await reads a topic until it has at least n committed records.
func (w *world) await(topic string, n int) []*kgo.Record {
	w.t.Helper()
	return w.readUntil(topic, fmt.Sprintf("%d records", n), func(all []*kgo.Record) bool { return len(all) >= n })
}

// expectOnce fails unless each saga has exactly one record on the topic.
func (w *world) expectOnce(topic string, sagas []string) {
	w.t.Helper()
	count := map[string]int{}
	for _, r := range w.read(topic) {
		count[string(r.Key)]++
	}
	for _, saga := range sagas {
		if count[saga] != 1 {
			w.t.Errorf("%s: saga %s has %d records, want 1", topic, saga, count[saga])
		}
		delete(count, saga)
	}
	for key, n := range count {
		w.t.Errorf("%s: %d records with key %q that are no saga's", topic, n, key)
	}
}

// committed gives the group's next offset in a partition of a topic, -1 if there is none.
func (w *world) committed(service, topic string, partition int32) int64 { //nolint:unparam // a reader wants to see whose
	w.t.Helper()
	ctx, cancel := testContext(w.t)
	defer cancel()
	for {
		offsets, err := kadm.NewClient(w.client).FetchOffsets(ctx, w.ns.Group(service))
		if err == nil {
			if o, ok := offsets.Lookup(topic, partition); ok {
				return o.At
			}
			return -1
		}
		if ctx.Err() != nil {
			w.t.Fatal(err)
		}
	}
}

// until asks again and again until the condition holds: for what only the broker knows.
func (w *world) until(what string, holds func(ctx context.Context) bool) {
	w.t.Helper()
	ctx, cancel := testContext(w.t)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatalf("waited in vain for %s: %v", what, context.Cause(ctx))
		}
	}
}

// members waits until the service's group is stable with so many.
func (w *world) members(service string, n int) {
	w.t.Helper()
	group := w.ns.Group(service)
	w.until(fmt.Sprintf("%d members of %s", n, service), func(ctx context.Context) bool {
		described, err := kadm.NewClient(w.client).DescribeGroups(ctx, group)
		return err == nil && described[group].State == "Stable" && len(described[group].Members) == n
	})
}

// ledger gives the ledger records of a service.
func (w *world) ledger(service string) []wire.LedgerRecord {
	w.t.Helper()
	var all []wire.LedgerRecord
	for _, r := range w.read("skald." + service + ".ledger") {
		all = append(all, decodeLedger(w.t, r))
	}
	return all
}

// awaitLedger waits until the condition holds of a service's ledger records.
func (w *world) awaitLedger(service, what string, holds func([]wire.LedgerRecord) bool) {
	w.t.Helper()
	w.readUntil("skald."+service+".ledger", what, func(records []*kgo.Record) bool {
		var all []wire.LedgerRecord
		for _, r := range records {
			all = append(all, decodeLedger(w.t, r))
		}
		return holds(all)
	})
}

func decodeLedger(t testing.TB, r *kgo.Record) wire.LedgerRecord {
	t.Helper()
	l, err := wire.DecodeLedgerRecord(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// countLedger counts the records of a kind ("" for notes).
func countLedger(all []wire.LedgerRecord, op, kind string) int {
	n := 0
	for _, r := range all {
		if r.Op == op && r.Kind == kind {
			n++
		}
	}
	return n
}

// liveEntries counts by kind what a ledger's log amounts to: on a busy machine a handler may be parked that fails a moment later.
func liveEntries(all []wire.LedgerRecord) map[string]int {
	kinds := map[string]string{} // by ID; that of an open saga is no event's
	for _, r := range all {
		switch r.Op {
		case wire.OpPut:
			kinds[r.ID] = r.Kind
		case wire.OpDelete:
			delete(kinds, r.ID)
		}
	}
	live := map[string]int{}
	for _, kind := range kinds {
		live[kind]++
	}
	return live
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

var errTest = errors.New("on purpose")

// expectLedgerDone fails if work is left in a service's ledger.
func (w *world) expectLedgerDone(service string) { //nolint:unparam // a reader wants to see whose
	w.t.Helper()
	left := map[string]bool{}
	for _, r := range w.ledger(service) {
		switch {
		case r.Kind == wire.KindWork && r.Op == wire.OpPut:
			left[r.ID] = true
		case r.Kind == wire.KindWork && r.Op == wire.OpDelete:
			delete(left, r.ID)
		}
	}
	if len(left) > 0 {
		w.t.Errorf("%d entries are left in the ledger of %s", len(left), service)
	}
}

func (w *world) wire(r *kgo.Record) []wire.Header {
	all := make([]wire.Header, len(r.Headers))
	for i, h := range r.Headers {
		all[i] = wire.Header(h)
	}
	return all
}

func wireHeaders(r *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range r.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}
