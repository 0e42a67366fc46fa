package tracker

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// Whether a saga is stuck is judged when it's told, against times that go on changing: no index has it. So those that may be are looked at,
// page by page, up to a bound.
const (
	lookedAtOnce = 250
	mostLooked   = 2000
)

// stuckSagas is Sagas for a query that asks for stuck ones.
func (t *Tracker) stuckSagas(ctx context.Context, q Query) (Page, error) {
	page := Page{}
	limit, err := checkLimit(q.Limit)
	if err != nil {
		return page, err
	}
	filter, may, err := t.mayBeStuck(q)
	if err != nil || !may {
		return page, err
	}
	most := maxListedPayload
	if q.WithoutPayloads {
		most = noPayloads
	}
	for looked := 0; ; {
		rows, err := t.list(ctx, q, filter)
		if err != nil {
			return page, err
		}
		sagas, err := t.tell(ctx, rows, most)
		if err != nil {
			return page, err
		}
		for i := range sagas {
			place := rows[i].Place()
			filter.After = &place
			if looked++; sagas[i].Stuck {
				page.Sagas = append(page.Sagas, sagas[i])
			}
			if len(page.Sagas) == limit || looked >= mostLooked {
				page.Next = q.encodeCursor(place)
				return page, nil
			}
		}
		if len(rows) < filter.Limit || parsesAsSagaID(q.Search) {
			return page, nil
		}
	}
}

// mayBeStuck is the filter of those sagas that may be. may is false if none can be: what is asked for besides doesn't run.
func (t *Tracker) mayBeStuck(q Query) (filter store.Filter, may bool, err error) {
	wanted := q
	wanted.Limit = lookedAtOnce
	if filter, err = wanted.filter(t.registry); err != nil {
		return filter, false, err
	}
	if q.Status != "" && q.Status != Open && q.Status != Running {
		return filter, false, nil
	}
	wanted.Status, wanted.Cursor = Running, ""
	after := filter.After
	if filter, err = wanted.filter(t.registry); err != nil {
		return filter, false, err
	}
	filter.After, filter.Limit = after, lookedAtOnce
	if latest := nanos(time.Now().Add(-stuckLeast)); filter.To == 0 || filter.To > latest {
		filter.To = latest
	}
	return filter, true, nil
}

// countStuckSagas is Count for a query that asks for stuck ones.
func (t *Tracker) countStuckSagas(ctx context.Context, q Query) (Count, error) {
	q.Limit, q.Cursor, q.WithoutPayloads = maxLimit, "", true
	page, err := t.stuckSagas(ctx, q)
	return Count{N: int64(len(page.Sagas)), AtLeast: page.Next != ""}, err
}

func parsesAsSagaID(s string) bool {
	_, ok := parseSagaID(s)
	return ok
}
