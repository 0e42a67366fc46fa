package store

import (
	"database/sql"
	"slices"
)

// Retention says which sagas that are over may go. Those that aren't over never do.
type Retention struct {
	EndedBefore int64 // Unix nanoseconds: what ended before goes; 0 means that age is no reason
	Keep        int64 // with more than so many that are over, the oldest go; 0 means that their number is no reason
	NotAfter    int64 // what ended later than this stays in any case
	Most        int   // at most so many go at once

	// Hashes says by which headers a record's saga is found, as when it was appended.
	Hashes func(headers []byte) []int64
}

// Prune deletes sagas that are over, with their records and dead letters, those that ended first before the others. Readers of lists aren't
// told. The minutes in which sagas ended go by age alone.
func (tx *Tx) Prune(r Retention) (deleted int, err error) {
	tooMany := int64(0)
	if r.Keep > 0 {
		tooMany = max(0, tx.ended-r.Keep)
	}
	rows, err := tx.tx.QueryContext(tx.ctx, tx.text(`SELECT s.n, `+groupColumns+`, s.subject, s.ended
		FROM saga s INDEXED BY saga_ended CROSS JOIN saga_group g WHERE g.n = s.in_group AND s.ended > 0 AND s.ended <= ? ORDER BY s.ended, s.n LIMIT ?`), r.NotAfter, r.Most)
	if err != nil {
		return 0, err
	}
	oldest, err := scanAll(rows, func(rows *sql.Rows) (*Saga, error) {
		s := &Saga{}
		return s, rows.Scan(append(append([]any{&s.n}, s.fields()...), &s.Subject, &s.Ended)...)
	})
	if err != nil {
		return 0, err
	}
	var keys, indexed [][]any
	var numbers []any
	for i, s := range oldest {
		if int64(i) >= tooMany && s.Ended >= r.EndedBefore {
			break
		}
		keys, numbers = append(keys, []any{s.n}), append(numbers, s.n)
		if s.Subject != "" {
			indexed = append(indexed, []any{s.n})
		}
		tx.count(s.columns(), -1)
		tx.saved = true
	}
	if err := tx.forgetHeaders(numbers, r.Hashes); err != nil {
		return 0, err
	}
	if err := tx.do(`DELETE FROM outcome_minute WHERE minute < ?`, minuteOf(r.EndedBefore)); err != nil {
		return 0, err
	}
	for _, c := range []change{{remove: "record", key: bigint("saga")}, {remove: "letter", key: bigint("saga")}, {remove: "saga", key: bigint("n")}} {
		if err := tx.runMany(tx, c, keys); err != nil {
			return 0, err
		}
	}
	return len(keys), tx.runMany(tx, tx.unindex(), indexed)
}

// PruneInstances deletes announcements made before a time, in Unix nanoseconds, but the newest of each service: it says what the service
// takes, however long that has been away.
func (tx *Tx) PruneInstances(before int64) error {
	return tx.do(`DELETE FROM instance WHERE announced < ? AND EXISTS
		(SELECT 1 FROM instance other WHERE other.service = instance.service AND (other.announced, other.instance) > (instance.announced, instance.instance))`, before)
}

// forgetHeaders deletes what sagas are found by, which is worked out of their records once more: an index of it by saga would
// make every record dearer.
func (tx *Tx) forgetHeaders(sagas []any, hashes func(headers []byte) []int64) error {
	if hashes == nil {
		return nil
	}
	var rows [][]any
	for some := range slices.Chunk(sagas, tx.inAtATime()) {
		condition, args := tx.in("saga", "bigint", some)
		found, err := tx.tx.QueryContext(tx.ctx, tx.text(`SELECT saga, headers FROM record WHERE `+condition), args...)
		if err != nil {
			return err
		}
		if _, err := scanAll(found, func(found *sql.Rows) (none struct{}, err error) {
			var saga int64
			var headers sql.RawBytes
			if err := found.Scan(&saga, &headers); err != nil {
				return none, err
			}
			for _, hash := range hashes(headers) {
				rows = append(rows, headerRow(saga, hash))
			}
			return none, nil
		}); err != nil {
			return err
		}
	}
	return tx.runMany(tx, change{remove: "saga_header", columns: headerColumns[:2], key: headerColumns[2]}, rows)
}
