package skald_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
)

// order is a start that can say what is wrong with it.
type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

func (o *order) Validate() error {
	var errs []error
	if o.Item == "" {
		errs = append(errs, skald.Invalid("item", "is missing"))
	}
	if o.Count < 1 {
		errs = append(errs, skald.Invalid("count", "is %d, at least 1 is allowed", o.Count))
	}
	return errors.Join(errs...)
}

const (
	orderTopic  skald.Topic[order]    = "order"
	packTopic   skald.Topic[order]    = "pack"
	packedTopic skald.Topic[notified] = "packed"
)

var ordering = skald.NewWorkflow("ordering", orderTopic, packedTopic)

func shop() *skald.Service {
	return skald.NewService("shop",
		skald.Begin(ordering, packTopic, func(_ context.Context, in order) (order, error) { return in, nil }),
		skald.Step(packTopic, packedTopic, func(_ context.Context, in order) (notified, error) { return notified{in.Item}, nil }),
		skald.End(ordering, func(context.Context, notified) error { return nil }),
	)
}

// fields gives what an error says of fields.
func fields(err error) map[string]string {
	all := map[string]string{}
	var walk func(error)
	walk = func(err error) {
		if f := (*skald.FieldError)(nil); errors.As(err, &f) {
			all[f.Field] = f.Problem
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
		}
	}
	walk(err)
	return all
}

// What is wrong with an input is said by field, and nothing is published.
func TestInvalidStartIsRefused(t *testing.T) { brokertest.Each(t, testInvalidStart) }

func testInvalidStart(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	o := newOutside(t, cfg, "order", "skald.outcomes")
	client := newClient(t, cfg)
	ctx := testContext(t)
	if saga, err := ordering.Start(ctx, client, order{Count: -1}); saga != nil || len(fields(err)) != 2 || !strings.Contains(fields(err)["count"], "at least 1") {
		t.Errorf("got %v, %v", saga, err)
	}
	for input, says := range map[string][2]string{ // field and a word of the problem; no field for what isn't one's fault
		`{"item":"pen"}`:                      {"count", "at least 1"},
		`{"item":7,"count":1}`:                {"item", "string is wanted"},
		`{"item":"pen","count":"x"}`:          {"count", "number"},
		`{"item":"pen","count":1.5}`:          {"count", "number"},
		`{"item":"pen","count":1,"colour":1}`: {"colour", "no such field"},
		`{"item":"pen","count":1} x`:          {"", "more after"},
		`{"item":`:                            {"", ""},
		``:                                    {"", ""},
		`[]`:                                  {"", "object is wanted"},
		`"x"`:                                 {"", "object is wanted"},
		`null`:                                {"item", "missing"},
	} {
		saga, err := ordering.StartJSON(ctx, client, []byte(input))
		if err == nil || saga != nil {
			t.Errorf("%s: started", input)
			continue
		}
		problem := fields(err)[says[0]]
		if says[0] == "" {
			problem = err.Error()
		}
		if problem == "" || !strings.Contains(problem, says[1]) || strings.Contains(err.Error(), "skald_test.") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v", input, err)
		}
		if check := ordering.CheckJSON([]byte(input)); check == nil || check.Error() != err.Error() {
			t.Errorf("%s: CheckJSON says %v, StartJSON %v", input, check, err)
		}
	}
	if all := o.all("order"); len(all) > 0 {
		t.Errorf("%d records were published", len(all))
	}
}

// Records of other clients that can't be read or aren't valid become dead letters, and the service goes on.
func TestMalformedStartOfAnotherClient(t *testing.T) { brokertest.Each(t, testMalformedStart) }

func testMalformedStart(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	o := newOutside(t, cfg, "order", "skald.dlq")
	values := map[string]string{
		`{"item":`: "no JSON", `{"item":"pen","count":"x"}`: "count", `{"item":"pen"}`: "at least 1", ``: "no JSON", "\x00\xff": "no JSON",
		`{"item":{},"count":1}`: "item",
	}
	known := wire.SagaIDFor("ordering", "of a client that knows sagas")
	for value := range values {
		o.send("order", "key", value, "tenant", "acme")
	}
	o.send("order", known, `{`, "ce_sagaid", known)
	start(t, cfg, shop())
	client := newClient(t, cfg)
	for _, r := range o.await("skald.dlq", len(values)+1) {
		h := r.headers
		if h["ce_sagaid"] == known {
			if h["dlq-halted"] != "true" { // it is somebody's saga, which stands still
				t.Errorf("%q: %v", r.Payload, h)
			}
			continue
		}
		if says := values[string(r.Payload)]; says == "" && len(r.Payload) > 0 || !strings.Contains(h["dlq-error"], says) || h["dlq-class"] != wire.ClassPoison ||
			h["dlq-halted"] != "" || h["tenant"] != "acme" || r.key != "key" || h["dlq-topic"] != "order" {
			t.Errorf("%q: %v", r.Payload, h)
		}
	}
	ctx := testContext(t)
	saga, err := ordering.Start(ctx, client, order{"pen", 1})
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := saga.Wait(ctx); err != nil || outcome.Outcome != wire.Completed || outcome.Started.IsZero() || outcome.Ended.Before(outcome.Started) {
		t.Errorf("%+v, %v", outcome, err)
	}
}

// Without a broker every call ends with its context, and says what is missing and where it was looked for.
func TestClientWithoutABroker(t *testing.T) {
	t.Parallel()
	client := newClient(t, skald.Config{Brokers: []string{"127.0.0.1:1"}, Logger: brokertest.Logger()})
	for name, call := range map[string]func(context.Context) error{
		"Ping":  client.Ping,
		"Start": func(ctx context.Context) error { _, err := ordering.Start(ctx, client, order{"pen", 1}); return err },
		"Start without wait": func(ctx context.Context) error {
			_, err := ordering.Start(ctx, client, order{"pen", 1}, skald.WithoutWait())
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		began := time.Now()
		err := call(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("%s: got %v; it must name the broker", name, err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestWait(t *testing.T) { brokertest.Each(t, testWait) }

func testWait(t *testing.T, b brokertest.Broker) {
	t.Parallel()
	cfg := configFor(b)
	newOutside(t, cfg, "order", "skald.outcomes") // no service runs yet
	client := newClient(t, cfg)
	ctx := testContext(t)
	first, err := ordering.Start(ctx, client, order{"pen", 1}, skald.WithIdempotencyKey("one"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := ordering.Start(ctx, client, order{"pen", 1}, skald.WithIdempotencyKey("one"))
	if err != nil || second.ID() != first.ID() {
		t.Fatalf("the same key gave %v and %v, %v", first.ID(), second.ID(), err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	if _, err := first.Wait(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), first.ID()) {
		t.Errorf("no outcome yet: got %v", err)
	}
	cancel()
	blind, err := ordering.Start(ctx, client, order{"pen", 1}, skald.WithoutWait())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blind.Wait(ctx); err == nil || !strings.Contains(err.Error(), "WithoutWait") {
		t.Errorf("got %v", err)
	}
	start(t, cfg, shop())
	for _, saga := range []*skald.Saga{first, second, first} {
		if o, err := saga.Wait(ctx); err != nil || o.Outcome != wire.Completed {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

// Close ends pending Waits. A failed start leaves nobody waiting, also not those who wait for an earlier start of the same saga.
func TestWaitEndsWithItsClient(t *testing.T) {
	t.Parallel()
	cfg := configFor(brokertest.Embedded(t))
	newOutside(t, cfg, "order", "skald.outcomes")
	client, err := skald.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	saga, err := ordering.Start(ctx, client, order{"pen", 1}, skald.WithIdempotencyKey("one"))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := ordering.Start(ended, client, order{"pen", 1}, skald.WithIdempotencyKey("one")); !errors.Is(err, context.Canceled) {
		t.Errorf("a start whose context has ended: %v", err)
	}
	done := make(chan error, 1)
	go func() { _, err := saga.Wait(ctx); done <- err }()
	client.Close()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("got %v", err)
		}
	case <-ctx.Done():
		t.Fatal("Wait goes on")
	}
}
