package store

import (
	"context"
	"database/sql"
	"time"
)

// minute is when a saga ended, in minutes since 1970, and how.
type minute struct {
	minute  int64
	outcome string
}

// MinuteCount says how many sagas had an outcome in a minute, counted from 1970.
type MinuteCount struct {
	Minute  int64
	Outcome string
	Sagas   int64
}

// Outcomes gives what ended in a minute or later, by minute. It counts what retention has deleted since, too.
func (s *Store) Outcomes(ctx context.Context, from int64) ([]MinuteCount, error) {
	return query(ctx, s, func(rows *sql.Rows) (c MinuteCount, err error) {
		return c, rows.Scan(&c.Minute, &c.Outcome, &c.Sagas)
	}, `SELECT minute, outcome, sagas FROM outcome_minute WHERE minute >= ? AND sagas > 0 ORDER BY minute, outcome`, from)
}

func minuteOf(nanos int64) int64 { return nanos / int64(time.Minute) }
