package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/skald-saga/skald/internal/wire"
)

// bareService is a service of the bare chain: for each input topic, how a record becomes the next.
type bareService struct {
	name   string
	routes map[string]route // by input topic, without prefix
}

type route struct {
	to     string
	handle func(payload []byte) ([]byte, error)
}

func hop[In, Out any](to string, handler func(In) Out) route {
	return route{to, func(payload []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		return json.Marshal(handler(in))
	}}
}

const bareOutcomes = "outcomes"

func bareServices() []bareService {
	return []bareService{
		{serviceNames[0], map[string]route{
			"new-user": hop("authorize", assign),
			"notified": hop(bareOutcomes, complete),
		}},
		{serviceNames[1], map[string]route{"authorize": hop("notify", grant)}},
		{serviceNames[2], map[string]route{"notify": hop("notified", mail)}},
	}
}

// bareTopics are those that the bare chain needs, without prefix.
var bareTopics = []string{"new-user", "authorize", "notify", "notified", bareOutcomes}

// runBare runs the chain's services until ctx ends.
func runBare(ctx context.Context, s spec) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, service := range bareServices() {
		b := &bare{spec: s, service: service}
		all.Go(func() error {
			if err := b.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", service.name, err)
			}
			return nil
		})
	}
	return all.Wait()
}

// bare is one service of the bare chain in one process.
type bare struct {
	spec       spec
	service    bareService
	session    *kgo.GroupTransactSession
	lastCommit time.Time
	faulty     faults
}

// run joins the group and loops. The options are those of franz-go's example; tuned adds its own.
func (b *bare) run(ctx context.Context) error {
	namespace := wire.Namespace(b.spec.Prefix)
	group := namespace.Group(b.service.name)
	var topics []string
	for topic := range b.service.routes {
		topics = append(topics, namespace.Topic(topic))
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(b.spec.Addr),
		kgo.ConsumerGroup(group),
		kgo.TransactionalID(fmt.Sprintf("%s.%d", group, os.Getpid())),
		kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ProducerLinger(0), // the default of 10 ms is worse still
	}
	turn := b.documentedTurn
	if b.spec.Contestant == Tuned {
		turn = b.tunedTurn
		options = append(options, kgo.ManualFlushing(), kgo.MaxBufferedRecords(1<<20))
	}
	session, err := kgo.NewGroupTransactSession(options...)
	if err != nil {
		return err
	}
	b.session = session
	b.faulty.kind = b.spec.Fault
	defer session.Close()
	for ctx.Err() == nil {
		if err := turn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// documentedTurn is the body of the loop in franz-go's examples/transactions/eos, with handlers in the place of its one line.
func (b *bare) documentedTurn(ctx context.Context) error {
	fetches := b.session.PollFetches(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	b.note(fetches)
	outputs, err := b.handle(fetches)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what was polled is finished
	if err := b.session.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	promise := kgo.AbortingFirstErrPromise(b.session.Client())
	for _, r := range outputs {
		b.session.Produce(ctx, r, promise.Promise())
	}
	// Not committed without an error is a rebalance: the records will be polled again.
	if _, err := b.session.End(ctx, promise.Err() == nil); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

// note tells of what a poll failed at. The client tries again by itself, as when it joins the group anew; what it can't mend shows as a
// turn that doesn't get on.
func (b *bare) note(fetches kgo.Fetches) {
	fetches.EachError(func(topic string, partition int32, err error) {
		slog.Warn("poll", "service", b.service.name, "topic", topic, "partition", partition, "error", err)
	})
}

func (b *bare) handle(fetches kgo.Fetches) ([]*kgo.Record, error) {
	namespace := wire.Namespace(b.spec.Prefix)
	outputs := make([]*kgo.Record, 0, fetches.NumRecords())
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		name, _ := namespace.Name(r.Topic)
		next := b.service.routes[name]
		payload, err := next.handle(r.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out := &kgo.Record{Topic: namespace.Topic(next.to), Key: r.Key, Value: payload}
		for range b.faulty.times(next.to) {
			outputs = append(outputs, out)
			out = &kgo.Record{Topic: out.Topic, Key: out.Key, Value: out.Value}
		}
	}
	return outputs, nil
}
