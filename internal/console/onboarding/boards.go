package onboarding

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/tracker"
)

// boards makes boards, and shares one among the clients that look at the same view.
type boards struct {
	h       *handler
	mu      sync.Mutex
	version uint64
	last    map[time.Time]*board // by view.Cleared
	rows    map[string]*row      // of the boards in last, by saga
}

func (b *boards) init(h *handler) {
	b.h, b.last, b.rows = h, make(map[time.Time]*board), make(map[string]*row)
}

// get gives the board of a view as it is now.
func (b *boards) get(ctx context.Context, v view) (*board, error) { return b.since(ctx, v, time.Now()) }

// recent gives one that may be up to a tick old, for clients that ask all the time: if its seq is below the tracker's, ask
// again a tick later.
func (b *boards) recent(ctx context.Context, v view) (*board, error) {
	return b.since(ctx, v, time.Now().Add(-live.Tick))
}

// since gives a board that was made after the given time, or that nothing has changed since.
func (b *boards) since(ctx context.Context, v view, oldest time.Time) (*board, error) {
	stations, err := b.h.stationsOf(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	seq, _ := b.h.b.Tracker.Changed()
	if last := b.last[v.Cleared]; last != nil && slices.EqualFunc(last.stations, stations, sameStation) &&
		(last.seq == seq || last.made.After(oldest)) {
		return last, nil
	}
	fresh, err := b.load(ctx, v, seq, stations, now)
	if err != nil {
		return nil, err
	}
	b.keep(v, fresh)
	return fresh, nil
}

func sameStation(a, b station) bool { return a.Name == b.Name && a.State == b.State }

// row gives the row of a saga: the one there is if nothing that it shows has changed.
func (b *boards) row(saga tracker.Saga, down map[string]bool, overtook int) *row {
	key := rowKey{seq: saga.Seq, overtook: overtook}
	if step, ok := current(saga); ok && down[step.Service] {
		key.heldBy = step.Service
	}
	before := b.rows[saga.ID]
	if before != nil {
		// A saga never un-overtakes: older ones that have left the table were overtaken all the same.
		key.overtook = max(key.overtook, before.overtook)
		if before.rowKey == key {
			return before
		}
	}
	b.version++
	return newRow(saga, key, b.version)
}

// keep makes a board the last one of its view, and forgets boards that nobody has asked for in a minute with their rows.
func (b *boards) keep(v view, fresh *board) {
	b.last[v.Cleared] = fresh
	clear(b.rows)
	for cleared, board := range b.last {
		if fresh.made.Sub(board.made) > time.Minute {
			delete(b.last, cleared)
			continue
		}
		for _, r := range board.rows {
			if known := b.rows[r.ID]; known == nil || known.Version < r.Version {
				b.rows[r.ID] = r
			}
		}
	}
}
