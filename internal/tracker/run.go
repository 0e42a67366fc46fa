package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
)

// errLogIsAnother ends a follower when the cluster, or a topic in it, was made anew under its old name.
var errLogIsAnother = errors.New("the log is another than before")

// Run reads until ctx ends, and then returns nil within a second or so. It waits for the broker and for topics, goes on when
// they come back, and begins again from where the store is after any error, so that it returns another one only where
// trying again can't help: wrong credentials, or topics that it may not read. Only one Run may use a store at a time.
//
// Of several trackers with stores of one database, one writes; the others tell what it has written, and one of them takes over when
// it ends: at once if it ended in order, within 5 s (the lease) if it was killed, has hung, or doesn't reach Kafka any more.
func (t *Tracker) Run(ctx context.Context) error {
	t.metrics.register(t.cfg.Metrics)
	defer t.metrics.unregister(t.cfg.Metrics)
	defer t.resign(ctx)
	for try := 0; ; try++ {
		began := time.Now()
		err := t.follow(ctx)
		lasting, lasts := t.cfg.Connection.Lasting(err)
		switch {
		case ctx.Err() != nil:
			return nil
		case lasts:
			return fmt.Errorf("tracker: %w", lasting)
		case errors.Is(err, errTakesOver):
			t.cfg.Logger.Info("no other tracker writes to the database any more: this one does now", "database", t.cfg.Store.Name())
			try = -1
			continue
		case errors.Is(err, store.ErrStandby):
			t.cfg.Logger.Warn("another tracker writes to the database now, as this one was too late to renew its lease", "database", t.cfg.Store.Name())
			try = -1
			continue
		case time.Since(began) > time.Minute:
			try = 0
		}
		pause := min(100*time.Millisecond<<min(try, 10), 5*time.Second)
		t.cfg.Logger.Warn("the tracker begins again from what it has stored", "error", err, "in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// follower reads one log with one client.
type follower struct {
	*Tracker
	client     *kgo.Client
	admin      *kadm.Client
	cluster    string
	standby    bool                            // another tracker writes to the store
	positions  map[store.Topic]map[int32]int64 // where to begin, as the store says
	topics     followed
	dataEnds   map[store.Topic][]store.Position // where data ended, as the store says
	trafficSeq int64                            // on standby: traffic that was written up to it is read
	declared   chan struct{}                    // rings when services have declared something new
}

func (t *Tracker) connection() kafka.Connection {
	c := t.cfg.Connection
	c.ClientID, c.Logger = "skald-tracker", t.cfg.Logger
	return c
}

// follow reads until ctx ends or something fails.
func (t *Tracker) follow(ctx context.Context) error {
	client, err := kafka.NewReader(append(
		t.connection().Options(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// The end of a transaction is a record too: without it a position never reaches the end of the log.
		kgo.KeepControlRecords(),
		// A ledger is trimmed, and a log may lose its end: read again from what is there, as a repeat changes nothing.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	f := &follower{Tracker: t, client: client.Client, admin: kadm.NewClient(client.Client), declared: make(chan struct{}, 1)}
	if err := kafka.WaitForBroker(ctx, client.Client, t.cfg.Logger); err != nil {
		return err
	}
	switch err := f.cfg.Store.Lead(ctx); {
	case errors.Is(err, store.ErrStandby):
		return f.standBy(ctx)
	case err != nil:
		return err
	}
	return f.lead(ctx)
}

// lead reads the log and writes to the store.
func (f *follower) lead(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	f.writes.Store(true)
	defer f.writes.Store(false)
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan *batch) // no buffer: one batch is read while the one before is written, and no more
	group.Go(func() error { return f.watch(ctx) })
	group.Go(func() error { return f.read(ctx, batches) })
	group.Go(func() error { return f.write(ctx, batches) })
	group.Go(func() error { return f.holdLease(ctx) })
	group.Go(func() error { return f.pruneAgainAndAgain(ctx) })
	return group.Wait()
}

// begin finds out where reading begins. Everything is forgotten if the store tells of another log.
func (f *follower) begin(ctx context.Context) error {
	known, err := f.compare(ctx)
	if err != nil {
		return err
	}
	if known != f.log() {
		if known != "" {
			f.cfg.Logger.Warn("the broker belongs to another cluster, or the prefix is another, than the tracker's store tells of: starting over",
				"before", known, "now", f.log())
		}
		if err := f.cfg.Store.Reset(ctx, f.log()); err != nil {
			return err
		}
	}
	return f.load(ctx)
}

// compare asks which cluster this is, and which log the store tells of.
func (f *follower) compare(ctx context.Context) (known string, err error) {
	response, err := f.metadata(ctx, nil)
	if err != nil {
		return "", err
	}
	f.cluster = clusterOf(response)
	return f.cfg.Store.Cluster(ctx)
}

// log names what is read: a cluster, and in it a namespace.
func (f *follower) log() string {
	if f.cfg.Namespace == "" {
		return f.cluster
	}
	return f.cluster + ", prefix " + string(f.cfg.Namespace)
}

func (f *follower) load(ctx context.Context) error {
	seq, err := f.cfg.Store.Seq(ctx)
	if err != nil {
		return err
	}
	positions, err := f.cfg.Store.Positions(ctx)
	if err != nil {
		return err
	}
	f.positions, f.dataEnds = map[store.Topic]map[int32]int64{}, map[store.Topic][]store.Position{}
	book := traffic.NewBook()
	if err := f.readTraffic(ctx, book, 0); err != nil {
		return err
	}
	f.traffic.Store(book)
	f.trafficSeq = seq
	for _, p := range positions {
		if f.positions[p.Topic] == nil {
			f.positions[p.Topic] = map[int32]int64{}
		}
		f.positions[p.Topic][p.Partition] = p.Next
		f.dataEnds[p.Topic] = append(f.dataEnds[p.Topic], p)
	}
	instances, err := f.cfg.Store.Instances(ctx)
	if err != nil {
		return err
	}
	announcements := make([][]byte, 0, len(instances))
	for _, i := range instances {
		announcements = append(announcements, i.Announcement)
	}
	f.registry.reset(announcements)
	f.lag.reset()
	f.announce(seq)
	return nil
}
