package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

const (
	// holdEvery is how often the lease is renewed by who holds it, and tried for by who doesn't: well within its 5 s.
	holdEvery = time.Second

	// mirrorEvery is how often a tracker on standby looks for what the other has written: as often as a console shows changes.
	mirrorEvery = 100 * time.Millisecond

	// mirrorRest is how often it looks for what changes more slowly: positions and heartbeats.
	mirrorRest = 500 * time.Millisecond

	resignTimeout = time.Second
)

// errTakesOver ends a standby: this tracker has the lease now.
var errTakesOver = errors.New("this tracker takes over")

// resign lets another tracker take over at once.
func (t *Tracker) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
	defer cancel()
	if err := t.cfg.Store.Resign(ctx); err != nil {
		t.cfg.Logger.Warn("another tracker will take over in a few seconds only", "error", err)
	}
}

// holdLease keeps the right to write while nothing is written. Who doesn't reach Kafka lets it run out, for another that does.
func (f *follower) holdLease(ctx context.Context) error {
	ticker := time.NewTicker(holdEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if !f.Lag().Reachable {
			continue
		}
		if err := f.cfg.Store.Lead(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// standBy tells what another tracker writes, until that one writes no more.
func (f *follower) standBy(ctx context.Context) error {
	f.standby = true
	known, err := f.compare(ctx)
	if err != nil {
		return err
	}
	if known != f.log() {
		return fmt.Errorf("the tracker that writes to the database reads another log (%q) than this one (%q): "+
			"each cluster, and each prefix, needs a database or a search_path of its own", known, f.log())
	}
	if err := f.load(ctx); err != nil {
		return err
	}
	f.cfg.Logger.Info("another tracker writes to the database: this one shows what it has written", "database", f.cfg.Store.Name())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.watch(ctx) })
	group.Go(func() error { return f.mirror(ctx) })
	return group.Wait()
}

func (f *follower) mirror(ctx context.Context) error {
	changes, rest, lease := time.NewTicker(mirrorEvery), time.NewTicker(mirrorRest), time.NewTicker(holdEvery)
	defer changes.Stop()
	defer rest.Stop()
	defer lease.Stop()
	for {
		var err error
		select {
		case <-changes.C:
			err = f.mirrorChanges(ctx)
		case <-rest.C:
			err = f.mirrorRest(ctx)
		case <-lease.C:
			err = f.tryToLead(ctx)
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

func (f *follower) mirrorChanges(ctx context.Context) error {
	seq, err := f.cfg.Store.Seq(ctx)
	if known, _ := f.Changed(); err == nil && seq > known {
		f.announce(seq)
	}
	return err
}

func (f *follower) mirrorRest(ctx context.Context) error {
	positions, err := f.cfg.Store.Positions(ctx)
	if err != nil {
		return err
	}
	names := map[store.Topic]string{}
	for _, name := range f.topics.names() {
		t, _ := f.topics.get(name)
		names[t.Topic] = name
	}
	next, data := map[partition]int64{}, map[partition]int64{}
	for _, p := range positions {
		if name, ok := names[p.Topic]; ok {
			next[partition{name, p.Partition}], data[partition{name, p.Partition}] = p.Next, p.Data
		}
	}
	f.lag.readTo(next)
	f.lag.readData(data)
	if err := f.mirrorTraffic(ctx); err != nil {
		return err
	}
	instances, err := f.cfg.Store.Instances(ctx)
	if err != nil {
		return err
	}
	changed := false
	for _, i := range instances {
		if a, err := wire.DecodeAnnouncement(i.Announcement); err == nil { // else of a version that wrote others
			changed = f.heard(announced{a, i.Announcement}) || changed
		}
	}
	if changed {
		f.announce(0)
	}
	return nil
}

// mirrorTraffic reads the rows of transactions since the last look; of the last one's number there may be more by now.
func (f *follower) mirrorTraffic(ctx context.Context) error {
	seq, err := f.cfg.Store.Seq(ctx)
	if err != nil {
		return err
	}
	book := f.traffic.Load()
	if err := f.readTraffic(ctx, book, f.trafficSeq); err != nil {
		return err
	}
	f.trafficSeq = seq
	book.Forget(time.Now())
	return nil
}

func (f *follower) tryToLead(ctx context.Context) error {
	if !f.Lag().Reachable {
		return nil
	}
	switch err := f.cfg.Store.Lead(ctx); {
	case errors.Is(err, store.ErrStandby):
		return nil
	case err != nil:
		return err
	}
	return errTakesOver
}
