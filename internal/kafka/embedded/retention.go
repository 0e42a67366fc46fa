package embedded

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	retainEvery   = time.Second
	retainTimeout = 10 * time.Second
)

// retention keeps the memory of a broker bounded that runs for long: of each partition it deletes what is older than the newest
// records and consumed by every group that reads the topic. kfake's own retention goes by time, looks once an hour, and
// knows nothing of consumers: a million starts that wait would be deleted.
//
// A topic whose retention.ms is -1 is somebody's to keep (the dead letters) or to trim (the ledgers), and is left alone.
type retention struct {
	client *kgo.Client
	admin  *kadm.Client
	keep   int64
	logger *slog.Logger
	cancel context.CancelFunc
	done   chan struct{}
}

func startRetention(addr string, keep int64, logger *slog.Logger) (*retention, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ClientID("embedded-retention"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &retention{
		client: client, admin: kadm.NewClient(client), keep: keep, logger: logger, cancel: cancel, done: make(chan struct{}),
	}
	go r.run(ctx)
	return r, nil
}

func (r *retention) stop() {
	r.cancel()
	<-r.done
	r.client.Close()
}

func (r *retention) run(ctx context.Context) {
	defer close(r.done)
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := r.pass(ctx); err != nil && ctx.Err() == nil {
			r.logger.Debug("embedded broker: deleting old records failed; it is tried again", "error", err)
		}
	}
}

// pass looks at every partition once.
func (r *retention) pass(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, retainTimeout)
	defer cancel()
	starts, err := r.admin.ListStartOffsets(ctx)
	if err != nil {
		return err
	}
	ends, err := r.admin.ListEndOffsets(ctx)
	if err != nil {
		return err
	}
	before := kadm.Offsets{}
	var topics []string
	ends.Each(func(end kadm.ListedOffset) {
		start, ok := starts.Lookup(end.Topic, end.Partition)
		// Half as much again is let grow, so that a deletion is worth its request.
		if ok && end.Err == nil && start.Err == nil && end.Offset-start.Offset > r.keep*3/2 {
			before.AddOffset(end.Topic, end.Partition, end.Offset-r.keep, -1)
			topics = append(topics, end.Topic)
		}
	})
	if len(before) == 0 {
		return nil
	}
	if err := r.spareKept(ctx, before, topics); err != nil {
		return err
	}
	if err := r.spareUnread(ctx, before); err != nil {
		return err
	}
	_, err = r.admin.DeleteRecords(ctx, before)
	return err
}

// spareKept takes out the topics that are configured to be kept.
func (r *retention) spareKept(ctx context.Context, before kadm.Offsets, topics []string) error {
	configs, err := r.admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return err
	}
	for _, c := range configs {
		for _, config := range c.Configs {
			if config.Key == "retention.ms" && config.MaybeValue() == "-1" {
				delete(before, c.Name)
			}
		}
	}
	return nil
}

// spareUnread lowers the bounds to what every group has consumed.
func (r *retention) spareUnread(ctx context.Context, before kadm.Offsets) error {
	groups, err := r.admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	fetched := r.admin.FetchManyOffsets(ctx, groups.Groups()...)
	if err := fetched.Error(); err != nil {
		return err
	}
	for _, group := range fetched {
		group.Fetched.Each(func(o kadm.OffsetResponse) {
			// Not by AddOffset, which keeps the higher one of two.
			if bound, ok := before.Lookup(o.Topic, o.Partition); ok && o.At >= 0 && o.At < bound.At {
				bound.At = o.At
				before[o.Topic][o.Partition] = bound
			}
		})
	}
	return nil
}
