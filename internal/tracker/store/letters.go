package store

import (
	"context"
	"database/sql"
)

// Letter is a dead letter. Partition and Offset are its place in the dead-letter topic.
type Letter struct {
	Partition int32
	Offset    int64
	ID        string
	Event     string
	Service   string
	Step      string
	Class     string
	Error     string
	Attempts  int
	Redrives  int
	Time      int64 // Unix nanoseconds
	Status    string
	Cause     string

	// Of its saga, when read; zero if it belongs to none.
	Saga     SagaID
	Workflow string
	Subject  string
}

// SaveLetters writes the dead letters of a saga that was loaded or saved, or, with nil, of none. Of one that is there already only the
// status changes.
func (tx *Tx) SaveLetters(s *Saga, letters []Letter) error {
	saga := int64(0)
	if s != nil {
		saga = s.n
	}
	rows := make([][]any, 0, len(letters))
	for i := range letters {
		l := &letters[i]
		rows = append(rows, []any{
			int64(l.Partition), l.Offset, saga, l.Time, l.Status, l.Cause, clean(l.ID), clean(l.Event), clean(l.Service), clean(l.Step),
			clean(l.Class), clean(l.Error), int64(l.Attempts), int64(l.Redrives),
		})
	}
	return tx.runMany(tx, change{
		insert: "letter",
		columns: []column{
			bigint("kafka_partition"), bigint("kafka_offset"), bigint("saga"), bigint("time"), text("status"), text("cause"), text("id"), text("event"),
			text("service"), text("step"), text("class"), text("error"), bigint("attempts"), bigint("redrives"),
		},
		conflict: `ON CONFLICT (kafka_partition, kafka_offset) DO UPDATE SET status = excluded.status`,
	}, rows)
}

// LetterFilter selects dead letters. Its zero value selects all.
type LetterFilter struct {
	Cause  string
	Status string
	After  *LetterPlace // only what comes after this place in the list
	Oldest bool         // the oldest first instead of the newest
	Limit  int
}

// LetterPlace is where a dead letter stands in a list, the newest first.
type LetterPlace struct {
	Time, Partition, Offset int64
}

// Place gives where the letter stands in a list.
func (l *Letter) Place() LetterPlace { return LetterPlace{l.Time, int64(l.Partition), l.Offset} }

const letterColumns = `l.kafka_partition, l.kafka_offset, l.time, l.status, l.cause, l.id, l.event, l.service, l.step, l.class, l.error, l.attempts, l.redrives,
	s.id, coalesce(g.workflow, ''), coalesce(s.subject, '')
	FROM letter l LEFT JOIN saga s ON s.n = l.saga LEFT JOIN saga_group g ON g.n = s.in_group`

func scanLetter(rows *sql.Rows) (l Letter, err error) {
	var saga sql.RawBytes
	err = rows.Scan(&l.Partition, &l.Offset, &l.Time, &l.Status, &l.Cause, &l.ID, &l.Event, &l.Service, &l.Step, &l.Class, &l.Error,
		&l.Attempts, &l.Redrives, &saga, &l.Workflow, &l.Subject)
	copy(l.Saga[:], saga)
	return l, err
}

// Letters gives the dead letters that the filter selects, the newest first.
func (s *Store) Letters(ctx context.Context, f LetterFilter) ([]Letter, error) {
	where, args := `true`, []any(nil)
	if f.Cause != "" {
		where, args = where+` AND l.cause = ?`, append(args, f.Cause)
	}
	if f.Status != "" {
		where, args = where+` AND l.status = ?`, append(args, f.Status)
	}
	after, order := `<`, ` ORDER BY l.time DESC, l.kafka_partition DESC, l.kafka_offset DESC LIMIT ?`
	if f.Oldest {
		after, order = `>`, ` ORDER BY l.time, l.kafka_partition, l.kafka_offset LIMIT ?`
	}
	if f.After != nil {
		where, args = where+` AND (l.time, l.kafka_partition, l.kafka_offset) `+after+` (?, ?, ?)`,
			append(args, f.After.Time, f.After.Partition, f.After.Offset)
	}
	return query(ctx, s, scanLetter, `SELECT `+letterColumns+` WHERE `+where+order, append(args, f.Limit)...)
}

// Letter gives the one at that place, or nil if it isn't there.
func (s *Store) Letter(ctx context.Context, partition int32, offset int64) (*Letter, error) {
	found, err := query(ctx, s, scanLetter, `SELECT `+letterColumns+` WHERE l.kafka_partition = ? AND l.kafka_offset = ?`, partition, offset)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}
