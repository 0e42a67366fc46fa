package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

// bulkPlace is how far many sagas have been looked at, the oldest first: up to this one. The zero value is before all of them.
type bulkPlace struct {
	started time.Time
	id      string
}

func placeOf(s *tracker.Saga) bulkPlace { return bulkPlace{s.Started, s.ID} }

// String is the place as clients carry it.
func (p bulkPlace) String() string {
	if p.id == "" {
		return "0." + uuid.Nil.String()
	}
	return strconv.FormatInt(p.started.UnixNano(), 10) + "." + p.id
}

func parseBulkPlace(text string) (p bulkPlace, err error) {
	if text == "" {
		return p, nil
	}
	nanos, id, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(nanos, 10, 64)
	if err != nil || n < 0 || len(id) != 36 || uuid.Validate(id) != nil {
		return p, &problem.Field{Location: "body.cursor", Message: "must be the next of the answer before"}
	}
	if n == 0 {
		return p, nil
	}
	return bulkPlace{time.Unix(0, n), id}, nil
}

// each goes through the sagas of a query that come after the place. Several may have begun in the same nanosecond: of these the ones up to
// the place's own saga are passed over, or none if that one doesn't match any more.
func (p bulkPlace) each(ctx context.Context, from backend.Tracker, q tracker.Query, upTo int64, yield func(tracker.Saga) bool) error {
	q.OldestFirst = true
	if p.id != "" && p.started.After(q.StartedAfter) {
		q.StartedAfter = p.started
	}
	var same []tracker.Saga // that began when the place's saga did, and may have been looked at
	passing := p.id != ""
	pass := func() bool {
		passing = false
		for i, s := range same {
			if s.ID == p.id {
				same = same[i+1:]
				break
			}
		}
		for _, s := range same {
			if !yield(s) {
				return false
			}
		}
		return true
	}
	going := true
	err := from.Each(ctx, q, upTo, func(s tracker.Saga) bool {
		switch {
		case passing && s.Started.Equal(p.started):
			same = append(same, s)
		case passing:
			going = pass() && yield(s)
		default:
			going = yield(s)
		}
		return going
	})
	if err == nil && passing && going {
		pass()
	}
	return err
}

// asQuery finds what is wrong with a filter, and says where it is in a body.
func asQuery(err error) (*problem.Field, bool) {
	if wrong, ok := errors.AsType[*tracker.QueryError](err); ok {
		return &problem.Field{Location: "body.filter." + problem.Parameter(wrong.Field), Message: wrong.Problem}, true
	}
	if field, ok := errors.AsType[*problem.Field](err); ok {
		if name, ok := strings.CutPrefix(field.Location, "query."); ok {
			return &problem.Field{Location: "body.filter." + name, Message: field.Message}, true
		}
	}
	return nil, false
}
