package console

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/events"
)

// maxRows is how many users the table shows: the newest. The rest is counted, and the page says so.
const maxRows = 200

// board is what the Onboarding page shows at one moment. It is never altered.
type board struct {
	seq      int64
	made     time.Time
	rows     []*row // the newest first
	counts   map[string]int64
	stations []station
	hands    map[string]hand // by topic, among rows loaded
	exact    bool            // whether rows has every saga that isn't over, so that hands are all there are
	lastOver time.Time       // when the last of the rows that are over ended; zero if none is
}

// hand counts what lies at a step.
type hand struct{ waiting, halted int }

// boards makes boards, and shares one among the clients that look at the same view.
type boards struct {
	h       *Handler
	mu      sync.Mutex
	version uint64
	last    map[time.Time]*board // by view.Cleared
	rows    map[string]*row      // of the boards in last, by saga
}

func (b *boards) init(h *Handler) {
	b.h, b.last, b.rows = h, make(map[time.Time]*board), make(map[string]*row)
}

// get gives the board of a view as it is now.
func (b *boards) get(ctx context.Context, v view) (*board, error) { return b.since(ctx, v, time.Now()) }

// recent gives one that may be up to a tick old, for clients that ask all the time: if its seq is below the tracker's, ask
// again a tick later.
func (b *boards) recent(ctx context.Context, v view) (*board, error) {
	return b.since(ctx, v, time.Now().Add(-tick))
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
	seq, _ := b.h.cfg.Tracker.Changed()
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

func (b *boards) load(ctx context.Context, v view, seq int64, stations []station, now time.Time) (*board, error) {
	workflow := events.Onboarding.Name()
	counts, err := b.h.cfg.Tracker.Counts(ctx, workflow)
	if err != nil {
		return nil, err
	}
	sagas, err := b.sagas(ctx, workflow, v)
	if err != nil {
		return nil, err
	}
	board := &board{seq: seq, made: now, counts: counts, stations: stations, hands: make(map[string]hand)}
	down := make(map[string]bool)
	for _, s := range stations {
		down[s.Name] = s.Down()
	}
	open := 0
	overtook := overtaking(sagas)
	for i, saga := range sagas {
		r := b.row(saga, down, overtook[i])
		board.rows = append(board.rows, r)
		if saga.Outcome == "" {
			open++
			board.take(saga)
		} else if saga.Ended.After(board.lastOver) {
			board.lastOver = saga.Ended
		}
	}
	board.exact = int64(open) >= board.open()
	return board, nil
}

// sagas gives the newest sagas that the view shows. Where some are hidden, those that aren't over are asked for by
// themselves, as they may lie behind any number of hidden ones.
func (b *boards) sagas(ctx context.Context, workflow string, v view) ([]tracker.Saga, error) {
	queries := []tracker.Query{{Workflow: workflow, Limit: maxRows}}
	if !v.Cleared.IsZero() {
		for _, status := range []string{tracker.Running, tracker.Halted} {
			queries = append(queries, tracker.Query{Workflow: workflow, Status: status, Limit: maxRows})
		}
	}
	var shown []tracker.Saga
	seen := make(map[string]bool)
	for _, q := range queries {
		page, err := b.h.cfg.Tracker.Sagas(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, saga := range page.Sagas {
			hidden := saga.Outcome != "" && !saga.Ended.After(v.Cleared)
			if !hidden && !seen[saga.ID] {
				seen[saga.ID] = true
				shown = append(shown, saga)
			}
		}
	}
	if len(queries) == 1 {
		return shown, nil
	}
	slices.SortStableFunc(shown, func(a, b tracker.Saga) int { return b.Started.Compare(a.Started) })
	return shown[:min(len(shown), maxRows)], nil
}

// overtaking counts for each saga that is over how many of the older ones beside it were still on their way by then.
func overtaking(sagas []tracker.Saga) []int {
	counts := make([]int, len(sagas))
	for i, s := range sagas {
		if s.Outcome == "" {
			continue
		}
		for _, older := range sagas[i+1:] {
			if older.Outcome == "" || older.Ended.After(s.Ended) {
				counts[i]++
			}
		}
	}
	return counts
}

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

// current is the step that has the token of a saga that isn't over.
func current(saga tracker.Saga) (tracker.Step, bool) {
	var last tracker.Step
	if saga.Outcome != "" || len(saga.Steps) == 0 {
		return last, false
	}
	for _, step := range saga.Steps {
		if step.Hop >= last.Hop {
			last = step
		}
	}
	if last.Service == "" { // not declared yet: the column knows
		for _, c := range columns {
			if c.Topic == last.Topic {
				last.Service = c.Service
			}
		}
	}
	return last, last.State != tracker.StepDone
}

func (b *board) take(saga tracker.Saga) {
	step, ok := current(saga)
	if !ok {
		return
	}
	at := b.hands[step.Topic]
	if step.State == tracker.StepHalted {
		at.halted++
	} else {
		at.waiting++
	}
	b.hands[step.Topic] = at
}

// open is how many sagas are not over, halted ones among them.
func (b *board) open() int64 { return b.counts[tracker.Running] + b.counts[tracker.Halted] }

func (b *board) total() int64 {
	var all int64
	for _, n := range b.counts {
		all += n
	}
	return all
}
