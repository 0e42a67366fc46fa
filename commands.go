package skald

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// Answer is what a service said to a request.
type Answer struct {
	Accepted bool
	Text     string // what is being done, or why the request was refused
}

// Request asks a service for something on behalf of a person. Make one with [Cancel], [Abandon], [Unblock], [Redrive] or [Discard], and
// send it by [Client.Ask].
type Request struct {
	service string
	command wire.Command
	letter  *DeadLetter
	err     error
}

// By says who asks: it is kept with the request.
func (r Request) By(who string) Request {
	r.command.By = who
	return r
}

// Err says what is wrong with the request, if it can't be sent: [Client.Ask] gives the same error.
func (r Request) Err() error { return r.err }

// String says what is asked of which service, for logs.
func (r Request) String() string {
	about := "saga " + r.command.Saga
	if l := r.letter; l != nil {
		about = fmt.Sprintf("dead letter %d/%d", l.Partition, l.Offset)
	}
	if r.command.Edited {
		about += ", edited,"
	}
	return fmt.Sprintf("%s %s at %s", strings.TrimSpace(r.command.Kind+" "+r.command.Decision), about, r.service)
}

// Cancel asks a saga's initiator to undo what was done and to end it as cancelled. The saga's token is turned round where it is: in
// flight, waiting for another attempt, halted, or at home. A saga that ends before that ends as it would have.
func Cancel(initiator, sagaID, reason string) Request {
	return requestOf(initiator, sagaID, wire.Command{Kind: wire.CommandCancel, Reason: reason})
}

// Abandon asks a saga's initiator to end it as abandoned without undoing anything: for one whose token never returns.
func Abandon(initiator, sagaID, reason string) Request {
	return requestOf(initiator, sagaID, wire.Command{Kind: wire.CommandAbandon, Reason: reason})
}

// Unblock asks a service to go on with a blocked undo of a saga: to try it again, or, if resolved, to take it for done by hand.
func Unblock(service, sagaID string, resolved bool, reason string) Request {
	decision := wire.DecideRetry
	if resolved {
		decision = wire.DecideResolved
	}
	return requestOf(service, sagaID, wire.Command{Kind: wire.CommandUnblock, Decision: decision, Reason: reason})
}

// Redrive asks the service that gave up on an event to try it again, with its attempts counted anew and under the same idempotency key. A
// letter that halts a saga is admitted once. One that halts none is handled each time it is redriven, which its effects see
// by their idempotency key.
func Redrive(l DeadLetter, reason string) Request {
	r := requestFor(l, wire.CommandRedrive, reason)
	if l.Cut > 0 && !l.Halted {
		r.err = fmt.Errorf("skald: the dead letter at %d/%d holds only the beginning of an event of %d bytes: it can't be redriven", l.Partition, l.Offset, l.Cut)
	}
	return r
}

// WithPayload makes a [Redrive] give the event another payload, encoded as the topic wants it. The service refuses one that it can't
// decode or that isn't valid. All else of the event stays as it was, its ID and the idempotency key, too: an effect that an
// attempt before has committed under that key is found, and not done anew with the new payload. The event in the service's ledger
// says by whom it was edited, in the header ce_editedby; the dead letter keeps the event as it was.
func (r Request) WithPayload(payload []byte) Request {
	if r.letter == nil || r.command.Kind != wire.CommandRedrive {
		r.err = errors.Join(r.err, errors.New("skald: only the event of a redrive can have another payload"))
		return r
	}
	l := *r.letter
	if l.Cut > 0 { // the new one is whole
		r.err = nil
	}
	l.Payload = payload
	r.letter, r.command.Edited = &l, true
	return r
}

// Discard asks the service that gave up on an event to give it up for good: what its saga has done is undone, and the saga ends as
// abandoned.
func Discard(l DeadLetter, reason string) Request { return requestFor(l, wire.CommandDiscard, reason) }

func requestOf(service, sagaID string, c wire.Command) Request {
	r := Request{service: service, command: c}
	id, err := wire.ParseSagaID(sagaID)
	if err != nil {
		r.err = fmt.Errorf("skald: saga ID %w", err)
	}
	if err := wire.CheckName("service", service); err != nil {
		r.err = fmt.Errorf("skald: %w", err)
	}
	r.command.Saga = id
	return r
}

func requestFor(l DeadLetter, kind, reason string) Request {
	r := Request{service: l.Service, letter: &l, command: wire.Command{
		Kind: kind, Saga: l.SagaID, Reason: reason,
		Letter: &wire.LetterRef{ID: l.ID, Event: l.EventID, Partition: l.Partition, Offset: l.Offset},
	}}
	if l.ID == "" || l.EventID == "" {
		r.err = fmt.Errorf("skald: the dead letter at %d/%d has no dlq-id: it wasn't written by a Skald that knows redriving", l.Partition, l.Offset)
	}
	return r
}

// Ask sends requests to their services and waits for the answers, in the order of the requests. A request that is written is carried
// out once, even if ctx ends before its answer comes. An error says that nothing was written, or not everything, or that
// an answer was still missing when ctx ended.
func (c *Client) Ask(ctx context.Context, requests ...Request) ([]Answer, error) {
	var records []*kgo.Record
	for i := range requests {
		r := &requests[i]
		if r.err != nil {
			return nil, r.err
		}
		r.command.ID, r.command.Time = uuid.NewString(), time.Now()
		records = append(records, c.commandRecord(r))
	}
	answers, err := c.awaitAnswers(ctx, requests)
	if err != nil {
		return nil, err
	}
	defer answers.reader.Close()
	if err := c.producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, fmt.Errorf("skald: the requests were not all published: %w", c.waiters.explain(ctx, err))
	}
	return answers.read(ctx)
}

func (c *Client) commandRecord(r *Request) *kgo.Record {
	w := r.record()
	record := &kgo.Record{Topic: c.cfg.namespace().Topic(w.Topic), Timestamp: w.Time, Key: w.Key, Value: w.Value}
	for _, h := range w.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader(h))
	}
	return record
}

// record is what goes to the service's inbox.
func (r *Request) record() wire.Record {
	key := r.command.Saga
	record := wire.Record{
		Topic: wire.Namespace("").Inbox(r.service), Time: r.command.Time,
		Headers: wire.Headers{{Key: wire.HeaderCommand, Value: r.command.Encode()}},
	}
	if l := r.letter; l != nil {
		if key == "" {
			key = l.EventID
		}
		record.Value = l.Payload
		record.Headers = append(record.Headers, wire.Header{Key: wire.HeaderOrigin, Value: []byte(l.Step)})
		for _, h := range l.Headers {
			if h.Key != wire.HeaderOrigin && h.Key != wire.HeaderCommand && (h.Key != wire.HeaderEditedBy || !r.command.Edited) {
				record.Headers = append(record.Headers, wire.Header(h))
			}
		}
		if r.command.Edited {
			record.Headers = append(record.Headers, wire.Header{Key: wire.HeaderEditedBy, Value: []byte(cmp.Or(r.command.By, "somebody"))})
		}
	}
	record.Key = []byte(key) // which says in which partition it belongs
	return record
}

// answers reads the ledgers of the services that were asked, from where they end before that.
type answers struct {
	reader *kgo.Client
	left   map[string]int // requests without an answer: place in all, by command ID
	all    []Answer
}

func (c *Client) awaitAnswers(ctx context.Context, requests []Request) (*answers, error) {
	a := &answers{left: map[string]int{}, all: make([]Answer, len(requests))}
	topics := map[string]bool{}
	for i, r := range requests {
		a.left[r.command.ID] = i
		topics[c.cfg.namespace().Ledger(r.service)] = true
	}
	reader, err := kgo.NewClient(append(c.waiters.connection.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return nil, fmt.Errorf("skald: %w", err)
	}
	a.reader = reader
	from := map[string]map[int32]kgo.Offset{}
	for topic := range topics {
		ends, err := kadm.NewClient(reader).ListEndOffsets(ctx, topic)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			reader.Close()
			return nil, fmt.Errorf("skald: the ledger %s can't be read, so no answer would be seen: %w", topic, c.waiters.explain(ctx, kafka.About(err, kafka.Topic, topic, "Read")))
		}
		from[topic] = map[int32]kgo.Offset{}
		ends.Each(func(o kadm.ListedOffset) { from[topic][o.Partition] = kgo.NewOffset().At(o.Offset) })
	}
	reader.AddConsumePartitions(from)
	return a, nil
}

func (a *answers) read(ctx context.Context) ([]Answer, error) {
	for len(a.left) > 0 {
		fetches := a.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return a.all, fmt.Errorf("skald: %d of %d requests have no answer yet, but are carried out as soon as their service runs: %w",
				len(a.left), len(a.all), ctx.Err())
		}
		if fetches.IsClientClosed() {
			return a.all, errors.New("skald: the client was closed")
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			i, asked := a.left[string(r.Key)]
			if !asked {
				continue
			}
			l, err := wire.DecodeLedgerRecord(r.Value)
			if err != nil {
				return a.all, fmt.Errorf("skald: %w", err)
			}
			a.all[i] = Answer{Accepted: l.Answer == wire.AnswerAccepted, Text: l.Reason}
			delete(a.left, string(r.Key))
		}
	}
	return a.all, nil
}
