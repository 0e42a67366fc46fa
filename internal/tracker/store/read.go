package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

const sagaColumns = `s.n, s.id, ` + groupColumns + `, s.subject, s.started, s.ended, s.due, s.began, s.seq, s.state`

// selectSagas begins a query; what follows is more conditions. The order of the tables says to SQLite which to begin with.
func selectSagas(index string) string {
	if index != "" {
		index = ` INDEXED BY ` + index
	}
	return `SELECT ` + sagaColumns + ` FROM saga s` + index + ` CROSS JOIN saga_group g WHERE g.n = s.in_group AND `
}

// query reads all rows of a query.
func query[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	return queryBy(ctx, s, s.reader, scan, statement, args...)
}

func queryBy[T any](ctx context.Context, s *Store, db *sql.DB, scan func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	text := s.text(statement)
	if s.asked != nil {
		s.asked(db, text, args)
	}
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read the tracker's database: %w", err)
	}
	all, err := scanAll(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read the tracker's database: %w", err)
	}
	return all, nil
}

func scanAll[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanSagas(rows *sql.Rows) ([]*Saga, error) { return scanAll(rows, scanSaga) }

func scanSaga(rows *sql.Rows) (*Saga, error) {
	s := &Saga{}
	var id sql.RawBytes
	if err := rows.Scan(append(append([]any{&s.n, &id}, s.fields()...),
		&s.Subject, &s.Started, &s.Ended, &s.Due, &s.Began, &s.Seq, &s.State)...); err != nil {
		return nil, err
	}
	copy(s.ID[:], id)
	s.was = s.columns()
	return s, nil
}

// Saga gives one saga, or nil if it isn't there.
func (s *Store) Saga(ctx context.Context, id SagaID) (*Saga, error) {
	found, err := query(ctx, s, scanSaga, selectSagas("")+`s.id = ?`, id[:])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Seq gives the last sequence number given out.
func (s *Store) Seq(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'seq'`).Scan(&seq); err != nil {
		return 0, fmt.Errorf("read the tracker's database: %w", err)
	}
	return seq, nil
}

// ChangedSince gives at most limit sagas whose last change has a number above seq, in the order of these numbers; workflow ""
// means all. Numbers grow with commits, so whoever asks again from the last number it got misses no change.
func (s *Store) ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]*Saga, error) {
	return query(ctx, s, scanSaga, selectSagas("saga_seq")+
		`s.seq > ? AND g.status <> '' AND (? = '' OR g.workflow = ?) ORDER BY s.seq LIMIT ?`, seq, workflow, workflow, limit)
}

// Records gives the records of sagas, per saga in the order in which they were read. Values of more than maxValue bytes are
// left out; 0 means none is.
func (s *Store) Records(ctx context.Context, sagas []*Saga, maxValue int) (map[SagaID][]Record, error) {
	all := make(map[SagaID][]Record, len(sagas))
	for some := range slices.Chunk(sagas, s.inAtATime()) {
		if err := s.records(ctx, some, maxValue, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Store) records(ctx context.Context, sagas []*Saga, maxValue int, into map[SagaID][]Record) error {
	ids := make(map[int64]SagaID, len(sagas))
	numbers := make([]any, 0, len(sagas))
	for _, saga := range sagas {
		ids[saga.n] = saga.ID
		numbers = append(numbers, saga.n)
	}
	condition, args := s.in("r.saga", "bigint", numbers)
	_, err := query(ctx, s, func(rows *sql.Rows) (r Record, err error) {
		saga, r, err := scanRecord(rows)
		if err == nil {
			into[ids[saga]] = append(into[ids[saga]], r)
		}
		return r, err
	}, selectRecord+condition+` ORDER BY r.n`, append([]any{maxValue, maxValue}, args...)...)
	return err
}

// RecordAt gives a saga's record that lies there, whole. Of topics that had the same name one after the other it's the latest's.
func (s *Store) RecordAt(ctx context.Context, saga *Saga, topic string, partition int32, offset int64) (r Record, ok bool, err error) {
	found, err := query(ctx, s, func(rows *sql.Rows) (Record, error) {
		_, r, err := scanRecord(rows)
		return r, err
	}, selectRecord+`r.saga = ? AND t.name = ? AND r.kafka_partition = ? AND r.kafka_offset = ? ORDER BY r.n`, 0, 0, saga.n, topic, partition, offset)
	if err != nil || len(found) == 0 {
		return Record{}, false, err
	}
	return found[len(found)-1], true, nil
}

// selectRecord wants a bound on the value's length, twice, and a condition.
const selectRecord = `SELECT r.saga, t.name, t.kafka_id, r.kafka_partition, r.kafka_offset, r.time, r.headers,
		CASE WHEN ? = 0 OR length(r.value) <= ? THEN r.value END, COALESCE(length(r.value), 0)
	FROM record r JOIN topic t ON t.n = r.topic
	WHERE `

func scanRecord(rows *sql.Rows) (saga int64, r Record, err error) {
	var topic sql.RawBytes
	if err := rows.Scan(&saga, &r.Topic.Name, &topic, &r.Partition, &r.Offset, &r.Time, &r.Headers, &r.Value, &r.Size); err != nil {
		return 0, r, err
	}
	copy(r.Topic.KafkaID[:], topic)
	return saga, r, nil
}
