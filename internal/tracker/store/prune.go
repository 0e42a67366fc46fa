package store

import "database/sql"

// Retention says which sagas that are over may go. Those that aren't over never do.
type Retention struct {
	EndedBefore int64 // Unix nanoseconds: what ended before goes; 0 means that age is no reason
	Keep        int64 // with more than so many that are over, the oldest go; 0 means that their number is no reason
	NotAfter    int64 // what ended later than this stays in any case
	Most        int   // at most so many go at once
}

// Prune deletes sagas that are over, with their records and dead letters, those that ended first before the others. Readers of lists aren't told.
func (tx *Tx) Prune(r Retention) (deleted int, err error) {
	tooMany := int64(0)
	if r.Keep > 0 {
		tooMany = max(0, tx.ended-r.Keep)
	}
	rows, err := tx.tx.QueryContext(tx.ctx, tx.text(`SELECT n, workflow, subject, status, ended FROM saga INDEXED BY saga_ended
		WHERE ended > 0 AND ended <= ? ORDER BY ended, n LIMIT ?`), r.NotAfter, r.Most)
	if err != nil {
		return 0, err
	}
	oldest, err := scanAll(rows, func(rows *sql.Rows) (*Saga, error) {
		s := &Saga{}
		err := rows.Scan(&s.n, &s.Workflow, &s.Subject, &s.Status, &s.Ended)
		return s, err
	})
	if err != nil {
		return 0, err
	}
	var keys, indexed [][]any
	for i, s := range oldest {
		if int64(i) >= tooMany && s.Ended >= r.EndedBefore {
			break
		}
		keys = append(keys, []any{s.n})
		if s.Subject != "" {
			indexed = append(indexed, []any{s.n})
		}
		tx.count(s.columns(), -1)
		tx.saved = true
	}
	for _, c := range []change{{remove: "record", key: bigint("saga")}, {remove: "letter", key: bigint("saga")}, {remove: "saga", key: bigint("n")}} {
		if err := tx.runMany(tx, c, keys); err != nil {
			return 0, err
		}
	}
	return len(keys), tx.runMany(tx, tx.unindex(), indexed)
}
