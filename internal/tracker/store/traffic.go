package store

import (
	"context"
	"database/sql"
)

// Traffic is one row of what was counted of events on their way: opaque here, but for its time.
type Traffic struct {
	Span, Since int64 // seconds
	Way, Tally  []byte
}

// SaveTraffic writes rows, each of them once, over those that are there.
func (tx *Tx) SaveTraffic(traffic []Traffic) error {
	rows := make([][]any, 0, len(traffic))
	for _, t := range traffic {
		rows = append(rows, []any{t.Span, t.Since, t.Way, t.Tally, tx.seq})
	}
	return tx.runMany(tx, change{
		insert: "traffic", columns: []column{bigint("span"), bigint("since"), bytea("way"), bytea("tally"), bigint("seq")},
		conflict: `ON CONFLICT (span, since, way) DO UPDATE SET tally = excluded.tally, seq = excluded.seq`,
	}, rows)
}

// PruneTraffic deletes the rows of a span that are older.
func (tx *Tx) PruneTraffic(span, before int64) error {
	return tx.do(`DELETE FROM traffic WHERE span = ? AND since < ?`, span, before)
}

// Traffic gives the rows that were written since, or with, a sequence number.
func (s *Store) Traffic(ctx context.Context, seq int64) ([]Traffic, error) {
	return query(ctx, s, func(rows *sql.Rows) (t Traffic, err error) {
		return t, rows.Scan(&t.Span, &t.Since, &t.Way, &t.Tally)
	}, `SELECT span, since, way, tally FROM traffic WHERE seq >= ?`, seq)
}
