package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

func with(r *kgo.Record, key, value string) *kgo.Record {
	r.Headers = slices.DeleteFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == key })
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	return r
}

func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(b) // never fails
	return b
}

// A record that can't be taken becomes a dead letter, whole, and the service goes on.
func TestRecordsThatCannotBeTaken(t *testing.T) { brokertest.Each(t, testGarbage) }

func testGarbage(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 2, "in", "out", "start", "end")
	h := newHandlers()
	service := h.initiator("in")
	service.Steps = append(service.Steps, h.step("in", "out"))
	w.run(w.config(), service)
	w.members("initiator", 1)

	of := func(n int) *kgo.Record { return w.record("in", eventOf(sagaID(n), fmt.Sprint("event ", n), 1)) }
	large := func(r *kgo.Record, value []byte) *kgo.Record { r.Value = value; return r }
	tests := []struct {
		name   string
		record *kgo.Record
		class  string
		says   string
		halts  bool
	}{
		{"hop", with(of(1), "ce_hop", "-1"), wire.ClassPoison, "ce_hop", true},
		{"hop without end", with(of(2), "ce_hop", "99999999999999999999"), wire.ClassPoison, "ce_hop", true},
		{"saga ID", with(of(3), "ce_sagaid", "no uuid"), wire.ClassPoison, "ce_sagaid", false},
		{"route of 10,000 stops", with(of(4), "ce_route", "1;"+strings.Repeat("1:s,1:t,0:,0:,0:,", 10_000)), wire.ClassPoison, "ce_route", true},
		{"route that is none", with(of(5), "ce_route", "{"), wire.ClassPoison, "ce_route", true},
		{"route of the future", with(of(6), "ce_route", "2;1:s,1:t,"), wire.ClassPoison, "version 2", true},
		{"schema of the future", with(of(7), "ce_dataschema", "urn:skald:schema:in:7"), wire.ClassPoison, "schema version 7", true},
		{"CloudEvents of the future", with(of(8), "ce_specversion", "2.0"), wire.ClassPoison, "2.0", true},
		{"time", with(of(9), "ce_time", "yesterday"), wire.ClassPoison, "ce_time", true},
		{"1,030,000 bytes", large(of(10), random(1_030_000)), wire.ClassTooLarge, "1000000", true},
		{"3 MB, compressed", large(of(11), bytes.Repeat([]byte("abc"), 1<<20)), wire.ClassTooLarge, "1000000", true},
		{"3 MB, compressed, of no saga", &kgo.Record{Topic: w.ns.Topic("start"), Key: []byte("k"), Value: bytes.Repeat([]byte("abc"), 1<<20)}, wire.ClassTooLarge, "1000000", false},
		{"start with a hop", with(w.record("start", eventOf(sagaID(12), "x", 0)), "ce_hop", "-1"), wire.ClassPoison, "ce_hop", true},
		{"route without a saga", with(&kgo.Record{Topic: w.ns.Topic("in"), Value: []byte("x")}, "ce_route", "1;1:s,1:t,0:,0:,0:,"), wire.ClassPoison, "ce_route", false},
	}
	for _, test := range tests {
		w.send(test.record)
	}
	letters := w.await("skald.dlq", len(tests))
	for _, test := range tests {
		at := slices.IndexFunc(letters, func(r *kgo.Record) bool {
			return header(r, "dlq-topic") == strings.TrimPrefix(test.record.Topic, b.Prefix) &&
				header(r, "dlq-partition") == strconv.Itoa(int(test.record.Partition)) && header(r, "dlq-offset") == strconv.FormatInt(test.record.Offset, 10)
		})
		if at < 0 {
			t.Errorf("%s: no letter", test.name)
			continue
		}
		checkLetter(t, test.name, test.record, letters[at], test.class, test.says, test.halts)
	}
	// The service goes on, with other sagas; those that are halted stand still.
	w.send(w.record("in", eventOf(sagaID(1), "later", 2)), w.record("in", eventOf(sagaID("good"), "good", 1)))
	w.await("out", 1)
	w.expectOnce("out", []string{sagaID("good")})
	if n := len(h.calls); n != 1 {
		t.Errorf("%d handlers were called, want 1", n)
	}
}

func checkLetter(t *testing.T, name string, original, letter *kgo.Record, class, says string, halts bool) {
	t.Helper()
	if !bytes.Equal(letter.Value, original.Value) || !bytes.Equal(letter.Key, original.Key) {
		t.Errorf("%s: the letter has another value or key", name)
	}
	got, want := wireHeaders(letter), wireHeaders(original)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: the letter's %s isn't the original's", name, key)
		}
	}
	if got["dlq-class"] != class || !strings.Contains(got["dlq-error"], says) || (got["dlq-halted"] == "true") != halts {
		t.Errorf("%s: class %s, error %s, halted %q", name, got["dlq-class"], got["dlq-error"], got["dlq-halted"])
	}
	for _, key := range []string{"dlq-service", "dlq-step", "dlq-attempts", "dlq-time", "kafka_dlt-original-topic", "kafka_dlt-original-partition", "kafka_dlt-original-offset", "kafka_dlt-exception-message"} {
		if got[key] == "" {
			t.Errorf("%s: the letter has no %s", name, key)
		}
	}
}

func TestOversizedOutputIsPoisonForItsEventAlone(t *testing.T) { brokertest.Each(t, testOversized) }

func testOversized(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	w := newWorld(t, b, 1, "in")
	ctx, cancel := testContext(t)
	defer cancel()
	// An operator's topic takes less than Kafka's default: together the outputs of a batch are more.
	small := kafka.TopicSpec{Name: w.ns.Topic("out"), Partitions: 1, Configs: map[string]string{"max.message.bytes": "100000"}}
	if err := kafka.EnsureTopics(ctx, w.client, []kafka.TopicSpec{small}); err != nil {
		t.Fatal(err)
	}
	h := newHandlers()
	service := h.worker()
	handle := service.Steps[0].Handle
	service.Steps[0].Handle = func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
		out, err := handle(ctx, e)
		switch e.SagaID {
		case sagaID(3):
			out[0].Payload = random(2 << 20) // more than an event may have
		case sagaID(4):
			out[0].Payload = random(150_000) // more than this topic takes
		default:
			out[0].Payload = random(9_000)
		}
		return out, err
	}
	sagas := w.starts("in", 50)
	w.run(w.config(), service)
	letters := w.await("skald.dlq", 2)
	w.await("out", len(sagas)-2)
	w.expectOnce("out", slices.Concat(sagas[:3], sagas[5:]))
	var got []string
	for _, r := range letters {
		got = append(got, fmt.Sprint(string(r.Key), " ", header(r, "dlq-class"), " ", len(r.Value) < 100))
	}
	slices.Sort(got)
	want := []string{sagas[3] + " too-large true", sagas[4] + " poison true"}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
	h.expectOneCallEach(t, len(sagas))
}

func TestLetterThatDoesNotFitIsCut(t *testing.T) {
	for _, limit := range []string{"", "200000"} { // ours, and a topic that an operator made
		t.Run("limit "+limit, func(t *testing.T) {
			brokertest.Each(t, func(t *testing.T, b brokertest.Broker) { testCutLetter(t, b, limit) })
		})
	}
}

func testCutLetter(t *testing.T, b brokertest.Broker, limit string) {
	t.Parallel()
	w := newWorld(t, b, 1, "in", "out")
	size := 17 << 20
	if limit != "" {
		size = 1_020_000
		ctx, cancel := testContext(t)
		defer cancel()
		spec := kafka.TopicSpec{Name: w.ns.DeadLetters(), Partitions: 1, Configs: map[string]string{"max.message.bytes": limit}}
		if err := kafka.EnsureTopics(ctx, w.client, []kafka.TopicSpec{spec}); err != nil {
			t.Fatal(err)
		}
	}
	const n = 5
	var records []*kgo.Record
	for i := range n {
		r := w.record("in", eventOf(sagaID(i), "large", 1))
		r.Value = slices.Concat(random(1000), bytes.Repeat([]byte{0}, size-1000))
		if limit != "" {
			r.Value = random(size)
		}
		records = append(records, with(r, "tenant", "acme"))
		w.send(r)
	}
	w.send(w.record("in", eventOf(sagaID("small"), "small", 1)))
	w.run(w.config(), newHandlers().worker())
	letters := w.await("skald.dlq", n)
	w.await("out", 1)
	w.expectOnce("out", []string{sagaID("small")})
	for i, r := range letters {
		original := records[i]
		if !bytes.Equal(r.Value, original.Value[:wire.CutBytes]) {
			t.Errorf("letter %d has %d bytes, want the first %d of the original", i, len(r.Value), wire.CutBytes)
		}
		if n, _ := strconv.Atoi(header(r, "dlq-cut")); n < size || len(header(r, "dlq-sha256")) != 64 || header(r, "tenant") != "acme" ||
			header(r, "ce_sagaid") != string(original.Key) || header(r, "dlq-offset") == "" {
			t.Errorf("letter %d: %v", i, wireHeaders(r))
		}
	}
}

func TestLedgerThatIsTooSmallIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 1, "in", "out")
	ctx, cancel := testContext(t)
	defer cancel()
	spec := kafka.TopicSpec{Name: w.ns.Ledger("worker"), Partitions: 1, Configs: map[string]string{"max.message.bytes": "1048588"}}
	if err := kafka.EnsureTopics(ctx, w.client, []kafka.TopicSpec{spec}); err != nil {
		t.Fatal(err)
	}
	err := w.run(w.config(), newHandlers().worker()).wait()
	if err == nil || !strings.Contains(err.Error(), "max.message.bytes") || !strings.Contains(err.Error(), spec.Name) || !strings.Contains(err.Error(), "raise it") {
		t.Errorf("Run returned %v; it must name the topic and what to raise", err)
	}
}
