package tracker

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// Count says how many sagas a query selects, whatever its Limit and Cursor are: exactly if they are counted anyway or are at most
// 10,000, else how many there are at least. A query that can't be is a *[QueryError].
func (t *Tracker) Count(ctx context.Context, q Query) (Count, error) {
	if q.Stuck {
		return t.countStuckSagas(ctx, q)
	}
	q.Cursor = ""
	filter, err := q.filter(t.registry)
	if err != nil {
		return Count{}, err
	}
	if _, ok := parseSagaID(q.Search); ok {
		rows, err := t.list(ctx, q, filter)
		return Count{N: int64(len(rows))}, err
	}
	n, exact, err := t.cfg.Store.Count(ctx, filter)
	return Count{N: n, AtLeast: !exact}, err
}

// eachAtATime is how many sagas Each has in memory.
const eachAtATime = 500

// Each calls yield for every saga that the query selects and that was there at position upTo of the live stream, in the query's order
// from its Cursor on, until yield returns false: for actions on all that somebody has seen to match. Limit is of no account, and steps
// have no payloads. Sagas that began after upTo are left out, as nobody has seen them. One that has changed since has a
// [Saga.Seq] above upTo: it matches now, but need not have matched then, so that the caller has to look at it again; one that
// matched then and doesn't any more is left out.
//
// It reads page by page, so what yield brings about shows in later pages, and one call takes as long as yield does. An upTo from
// before the store was made anew selects nothing.
func (t *Tracker) Each(ctx context.Context, q Query, upTo int64, yield func(Saga) bool) error {
	q.Limit = eachAtATime
	for {
		filter, err := q.filter(t.registry)
		if err != nil {
			return err
		}
		rows, err := t.list(ctx, q, filter)
		if err != nil {
			return err
		}
		last := len(rows) < filter.Limit
		if !last {
			rows = rows[:len(rows)-1]
			q.Cursor = q.encodeCursor(rows[len(rows)-1].Place())
		}
		var there []*store.Saga
		for _, row := range rows {
			if row.Began <= upTo {
				there = append(there, row)
			}
		}
		sagas, err := t.tell(ctx, there, noPayloads)
		if err != nil {
			return err
		}
		for _, saga := range sagas {
			if q.Stuck && !saga.Stuck {
				continue
			}
			if !yield(saga) {
				return nil
			}
		}
		if last {
			return nil
		}
	}
}

// Outcomes says how many sagas ended in each minute from that of since on, in the order of time; a minute in which none ended is
// missing. Sagas that retention has deleted meanwhile count, for as long as KeepFor says.
func (t *Tracker) Outcomes(ctx context.Context, since time.Time) ([]MinuteOutcomes, error) {
	counts, err := t.cfg.Store.Outcomes(ctx, nanos(since)/int64(time.Minute))
	if err != nil {
		return nil, err
	}
	var minutes []MinuteOutcomes
	for _, c := range counts {
		at := time.Unix(c.Minute*60, 0).UTC()
		if len(minutes) == 0 || !minutes[len(minutes)-1].At.Equal(at) {
			minutes = append(minutes, MinuteOutcomes{At: at})
		}
		if m := &minutes[len(minutes)-1]; c.Outcome == wire.Completed {
			m.Completed += c.Sagas
		} else {
			m.Otherwise += c.Sagas
		}
	}
	return minutes, nil
}
