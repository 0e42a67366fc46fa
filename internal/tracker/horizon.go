package tracker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// horizonEvery is how often the log's beginning is looked at: it moves when brokers delete segments, by default every 5 minutes.
const horizonEvery = time.Minute

// Status says how the tracker is, and what its answers are limited by.
func (t *Tracker) Status() Status {
	t.mu.Lock()
	horizon := t.horizon
	t.mu.Unlock()
	return Status{
		Database: t.cfg.Store.Name(), Writes: t.writes.Load(), Lag: t.Lag(), Log: horizon,
		KeepFor: t.cfg.KeepFor, KeepSagas: t.cfg.KeepSagas,
	}
}

// horizonOf says of how many topics the horizon is known.
func (t *Tracker) horizonOf() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.horizonTopics
}

// lookAtStarts finds out since when the log holds all events of sagas. Ledgers don't count: they are trimmed by what is done.
func (w *watcher) lookAtStarts(ctx context.Context, starts kadm.ListedOffsets, at time.Time) error {
	var names []string
	for _, name := range w.topics.names() {
		switch t, _ := w.topics.get(name); t.kind {
		case sourceEvents, sourceInbox, sourceOutcomes, sourceLetters:
			names = append(names, name)
		}
	}
	if len(names) == 0 || len(names) == w.horizonOf() && at.Sub(w.horizonAt) < horizonEvery {
		return nil
	}
	firsts, err := w.admin.ListOffsetsAfterMilli(ctx, 0, names...)
	if err != nil {
		return err
	}
	var parts []logPart
	firsts.Each(func(first kadm.ListedOffset) {
		start, ok := starts.Lookup(first.Topic, first.Partition)
		if !ok || first.Err != nil || start.Err != nil {
			return
		}
		part := logPart{start: start.Offset}
		if first.Timestamp >= 0 {
			part.first = time.UnixMilli(first.Timestamp).UTC()
		}
		parts = append(parts, part)
	})
	w.horizonAt = at
	w.mu.Lock()
	defer w.mu.Unlock()
	w.horizon, w.horizonTopics = farthest(parts, at), len(names)
	return nil
}

// logPart is where a partition begins: its first offset, and the time of its first record, zero if there is none.
type logPart struct {
	start int64
	first time.Time
}

// farthest takes the latest beginning of those partitions that have lost something, else the earliest of all.
func farthest(parts []logPart, at time.Time) Horizon {
	h := Horizon{Whole: true}
	for _, p := range parts {
		switch {
		case p.start > 0 && p.first.IsZero(): // all it had is gone
			return Horizon{Since: at.UTC()}
		case p.start > 0 && (h.Whole || p.first.After(h.Since)):
			h = Horizon{Since: p.first}
		case h.Whole && !p.first.IsZero() && (h.Since.IsZero() || p.first.Before(h.Since)):
			h.Since = p.first
		}
	}
	return h
}
