package tracker

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
)

// Defaults of Config.KeepFor and Config.KeepSagas.
const (
	DefaultKeepFor   = 30 * 24 * time.Hour
	DefaultKeepSagas = 1_000_000
)

const (
	pruneEvery = 2 * time.Second

	// pruneAtATime bounds a transaction: the log's next batch waits for it.
	pruneAtATime = 200

	// settled is how long a saga has to be over, with the log read, before it may go. If it went while events of it are still to
	// be read (outcomes may be read long before them while a backlog is caught up with), they would begin it again.
	settled = time.Minute
)

// pruneAgainAndAgain deletes sagas that are over for longer than KeepFor, or of which there are more than KeepSagas.
func (f *follower) pruneAgainAndAgain(ctx context.Context) error {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = f.prune(ctx, time.Now()); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// prune is one transaction. Instances that haven't been heard of for KeepFor go with the sagas, but the last of each service. more says
// that there may be more to delete.
func (t *Tracker) prune(ctx context.Context, now time.Time) (more bool, err error) {
	read, ok := t.lag.caughtUp()
	if !ok || now.Sub(read) > settled {
		return false, nil
	}
	r := store.Retention{Keep: max(0, t.cfg.KeepSagas), NotAfter: read.Add(-settled).UnixNano(), Most: pruneAtATime, Hashes: func(headers []byte) []int64 {
		return headerHashes(decodeHeaders(headers))
	}}
	if t.cfg.KeepFor >= 0 {
		r.EndedBefore = now.Add(-t.cfg.KeepFor).UnixNano()
	}
	deleted := 0
	if _, err := t.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		for _, span := range traffic.Spans() {
			if err := tx.PruneTraffic(span, traffic.Oldest(span, now)); err != nil {
				return err
			}
		}
		if err := tx.PruneInstances(r.EndedBefore); err != nil {
			return err
		}
		deleted, err = tx.Prune(r)
		return err
	}); err != nil {
		return false, err
	}
	if book := t.traffic.Load(); book != nil {
		book.Forget(now)
	}
	t.registry.forget(time.Unix(0, r.EndedBefore))
	t.metrics.pruned.Add(float64(deleted))
	return deleted == pruneAtATime, nil
}
