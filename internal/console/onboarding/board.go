package onboarding

import (
	"context"
	"slices"
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

// hand counts what lies at a step; what is retrying is waiting, too.
type hand struct{ waiting, retrying, halted, blocked int }

func (b *boards) load(ctx context.Context, v view, seq int64, stations []station, now time.Time) (*board, error) {
	workflow := events.Onboarding.Name()
	counts, err := b.h.b.Tracker.Counts(ctx, workflow)
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
		for _, status := range openStatuses {
			queries = append(queries, tracker.Query{Workflow: workflow, Status: status, Limit: maxRows})
		}
	}
	var shown []tracker.Saga
	seen := make(map[string]bool)
	for _, q := range queries {
		page, err := b.h.b.Tracker.Sagas(ctx, q)
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

// current is the step that has the token of a saga that isn't over.
func current(saga tracker.Saga) (tracker.Step, bool) {
	last, ok := saga.Current()
	if last.Service == "" { // not declared yet: the column knows
		for _, c := range columns {
			if c.Topic == last.Topic {
				last.Service = c.Service
			}
		}
	}
	return last, ok
}

func (b *board) take(saga tracker.Saga) {
	step, ok := current(saga)
	if !ok {
		return
	}
	at := b.hands[step.Topic]
	switch step.State {
	case tracker.StepHalted:
		at.halted++
	case tracker.StepBlocked:
		at.blocked++
	case tracker.StepRetrying:
		at.retrying++
		at.waiting++
	default:
		at.waiting++
	}
	b.hands[step.Topic] = at
}

// openStatuses are those of sagas that aren't over.
var openStatuses = []string{tracker.Running, tracker.Retrying, tracker.Waiting, tracker.Halted, tracker.Compensating, tracker.Blocked}

// open is how many sagas are not over.
func (b *board) open() int64 {
	var open int64
	for _, status := range openStatuses {
		open += b.counts[status]
	}
	return open
}

func (b *board) total() int64 {
	var all int64
	for _, n := range b.counts {
		all += n
	}
	return all
}
