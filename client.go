package skald

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// Client starts sagas and waits for how they end. It is safe for concurrent use.
type Client struct {
	cfg      Config
	producer *kgo.Client
	topics   *topics
	waiters  *waiters
	closing  context.Context // ends first thing when the client is closed
	close    context.CancelFunc
}

// NewClient makes a client. It connects when it is first used; Close it.
func NewClient(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	connection := cfg.connection()
	connection.ClientID = "skald-client-" + cfg.Instance
	producer, err := kgo.NewClient(append(connection.Options(),
		kgo.RecordPartitioner(kafka.Partitioner(func(string) bool { return false })),
		kgo.ProducerLinger(0),
	)...)
	if err != nil {
		return nil, fmt.Errorf("skald: %w", err)
	}
	c := &Client{
		cfg: cfg, producer: producer, topics: newTopics(producer, cfg.Logger), waiters: newWaiters(connection, cfg.namespace().Outcomes()),
	}
	c.closing, c.close = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the client. Pending Starts and Waits return an error.
func (c *Client) Close() {
	c.close()
	c.waiters.close()
	c.producer.Close()
}

// Ping says whether the brokers answer.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.producer.Ping(ctx); err != nil {
		return fmt.Errorf("no broker answers: %w", c.waiters.explain(ctx, err))
	}
	return nil
}

// StartOption changes how a saga is started.
type StartOption func(*startOptions)

type startOptions struct {
	key    string
	id     string // of the saga, if there is no key; "": one is drawn
	noWait bool
}

// WithIdempotencyKey makes the start repeatable: the same key gives the same saga ID, and a start repeated within 10 minutes after
// the saga's end begins nothing.
func WithIdempotencyKey(key string) StartOption { return func(o *startOptions) { o.key = key } }

// WithoutWait says that nobody will Wait for the saga, so that the client needn't remember it: for starting very many.
func WithoutWait() StartOption { return func(o *startOptions) { o.noWait = true } }

// Start validates input and publishes the saga's start. When it returns nil, the start is in the log, written by all in-sync
// replicas. An invalid input is refused with [FieldError]s and nothing is published.
//
// It waits, for as long as ctx allows, for a broker that isn't there and for topics that no service has created yet, and says so
// in the log. When ctx ends meanwhile the error is a [NotReadyError] and nothing was published. When ctx ends later the start
// may have been published all the same: repeat it with an idempotency key.
func (w *Workflow[Start, End]) Start(ctx context.Context, c *Client, input Start, options ...StartOption) (*Saga, error) {
	var o startOptions
	for _, option := range options {
		option(&o)
	}
	event, err := w.event(input, c.cfg.Codec, o)
	if err != nil {
		return nil, err
	}
	return c.start(ctx, w.workflowInfo, event, o)
}

// event makes the event that starts a saga, but for its time. The saga's ID is drawn unless o says what it is.
func (w *Workflow[Start, End]) event(input Start, codec Codec, o startOptions) (*wire.Event, error) {
	if err := validate(&input); err != nil {
		return nil, err
	}
	payload, err := codec.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("skald: encode the start of %q: %w", w.name, err)
	}
	id := o.id
	if o.key != "" {
		id = wire.SagaIDFor(w.name, o.key)
	}
	if id == "" {
		if id, err = wire.NewSagaID(); err != nil {
			return nil, err
		}
	}
	e := &wire.Event{
		ID: wire.EventID(id, "", w.start.name, 0), Source: "/skald/client", Type: w.start.name,
		DataSchema: w.start.schema, ContentType: codec.ContentType(), SagaID: id, Workflow: w.name, Payload: payload,
	}
	if w.subject != nil {
		e.Subject = w.subject(input)
	}
	e.TraceParent = wire.TraceParent(id, e.ID)
	return e, nil
}

// StartJSON is Start for an input that comes as JSON from outside. It is stricter than the services are among themselves:
// unknown fields are refused too, as they are most likely misspelt.
func (w *Workflow[Start, End]) StartJSON(ctx context.Context, c *Client, input []byte, options ...StartOption) (*Saga, error) {
	in, err := w.parse(input)
	if err != nil {
		return nil, err
	}
	return w.Start(ctx, c, in, options...)
}

// CheckJSON says what StartJSON would refuse in input, and starts nothing.
func (w *Workflow[Start, End]) CheckJSON(input []byte) error {
	in, err := w.parse(input)
	if err != nil {
		return err
	}
	return validate(&in)
}

func (w *Workflow[Start, End]) parse(input []byte) (in Start, err error) {
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return in, explain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return in, errors.New("there is more after the JSON object: give one object")
	}
	return in, nil
}

func (c *Client) start(ctx context.Context, w workflowInfo, event *wire.Event, o startOptions) (*Saga, error) {
	topic, needed := c.cfg.namespace().Topic(w.start.name), []string{c.cfg.namespace().Topic(w.start.name)}
	if !o.noWait {
		needed = append(needed, c.cfg.namespace().Outcomes())
	}
	waiting, done := c.untilClosed(ctx)
	defer done()
	if err := c.topics.await(waiting, needed...); err != nil {
		if access, ok := errors.AsType[*kafka.AccessError](err); ok {
			access.Operations = []string{"Write"}
			if access.Name != topic {
				access.Operations = []string{"Read"}
			}
		}
		if waiting.Err() == nil {
			err = c.cfg.connection().Explained(err)
		}
		return nil, &NotReadyError{err}
	}
	saga := &Saga{id: event.SagaID, client: c}
	if !o.noWait {
		saga.waiter = c.waiters.add(event.SagaID)
		if err := c.waiters.watch(waiting); err != nil {
			c.waiters.forget(saga.waiter)
			return nil, &NotReadyError{err}
		}
	}
	event.Time = time.Now()
	r := &kgo.Record{Topic: topic, Key: []byte(event.SagaID), Value: event.Payload, Timestamp: event.Time}
	for _, h := range event.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	if err := c.publish(waiting, r, needed); err != nil {
		c.waiters.forget(saga.waiter)
		err = kafka.About(err, kafka.Topic, r.Topic, "Write")
		return nil, fmt.Errorf("skald: the start of %q was not published to %s: %w", w.name, r.Topic, c.waiters.explain(ctx, err))
	}
	return saga, nil
}

// publish writes a start, and tries again when the broker has gone away: the start has its IDs already, so that a repeat of one that
// was written all the same begins nothing.
func (c *Client) publish(ctx context.Context, r *kgo.Record, topics []string) error {
	const calm = 100 * time.Millisecond
	for {
		err := c.producer.ProduceSync(ctx, r).FirstErr()
		if err == nil || ctx.Err() != nil || !c.cfg.connection().Explain(err).Retry {
			return err
		}
		select {
		case <-time.After(calm):
		case <-ctx.Done():
			return err
		}
		if kafka.AwaitTopics(ctx, c.producer, c.cfg.Logger, topicOrigin, topics...) != nil {
			return err
		}
	}
}
