package store

import (
	"context"
	"database/sql"
	"strings"
)

// CauseCount says how many dead letters of one cause have one status, and when the first and last of them were written.
type CauseCount struct {
	Cause, Status string
	Letters       int64
	First, Last   int64 // Unix nanoseconds
}

// Causes counts dead letters, by cause and status. Cause "" means all.
func (s *Store) Causes(ctx context.Context, cause string) ([]CauseCount, error) {
	return query(ctx, s, func(rows *sql.Rows) (c CauseCount, err error) {
		return c, rows.Scan(&c.Cause, &c.Status, &c.Letters, &c.First, &c.Last)
	}, `SELECT cause, status, count(*), min(time), max(time) FROM letter WHERE (? = '' OR cause = ?) GROUP BY cause, status`, cause, cause)
}

// StatusCount says how many dead letters have a status.
type StatusCount struct {
	Status  string
	Letters int64
}

// LetterCounts counts all dead letters by status.
func (s *Store) LetterCounts(ctx context.Context) ([]StatusCount, error) {
	return query(ctx, s, func(rows *sql.Rows) (c StatusCount, err error) {
		return c, rows.Scan(&c.Status, &c.Letters)
	}, `SELECT status, count(*) FROM letter GROUP BY status`)
}

// LetterSpan says how many dead letters of a cause were written in a span of time, the first of them being span 0.
type LetterSpan struct {
	Cause   string
	Span    int64
	Letters int64
}

// LetterSpans counts the dead letters of causes that were written since a time, by spans of a length, both in nanoseconds.
func (s *Store) LetterSpans(ctx context.Context, causes []string, since, length int64) ([]LetterSpan, error) {
	if len(causes) == 0 {
		return nil, nil
	}
	args := []any{since, length}
	for _, c := range causes {
		args = append(args, c)
	}
	return query(ctx, s, func(rows *sql.Rows) (l LetterSpan, err error) {
		return l, rows.Scan(&l.Cause, &l.Span, &l.Letters)
	}, `SELECT cause, (time - ?) / ?, count(*) FROM letter WHERE cause IN (`+marks(len(causes))+`) AND time >= ? GROUP BY 1, 2 ORDER BY 1, 2`, append(args, since)...)
}

// LettersAt gives those that lie at these places, in no order; of a place only partition and offset count. At most 1,000 at once.
func (s *Store) LettersAt(ctx context.Context, places []LetterPlace) ([]Letter, error) {
	if len(places) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 2*len(places))
	for _, p := range places {
		args = append(args, p.Partition, p.Offset)
	}
	const row = `(CAST(? AS BIGINT), CAST(? AS BIGINT)), ` // PostgreSQL takes them for text otherwise
	return query(ctx, s, scanLetter, `SELECT `+letterColumns+` WHERE (l.kafka_partition, l.kafka_offset) IN (VALUES `+
		strings.TrimSuffix(strings.Repeat(row, len(places)), `, `)+`)`, args...)
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat(`?, `, n), `, `) }
