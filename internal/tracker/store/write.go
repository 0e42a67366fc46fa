package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Tx is the one transaction that writes. It ends when the function given to [Store.Update] returns.
type Tx struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	topics     map[Topic]int64
	counts     map[[2]string]int64 // by workflow and status: how many more there are than before
	seq        int64               // the last one given out
	saved      bool
}

// Update runs f and commits what it wrote, all or nothing. After an error, rows that f loaded or saved must not be used again.
// seq is the last sequence number given out, by this or an earlier Update.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) (seq int64, err error) {
	sqlTx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	tx := &Tx{
		ctx: ctx, tx: sqlTx, statements: map[string]*sql.Stmt{}, topics: map[Topic]int64{}, counts: map[[2]string]int64{},
	}
	if err := tx.run(f); err != nil {
		return 0, errors.Join(fmt.Errorf("write to the tracker's database: %w", err), sqlTx.Rollback())
	}
	if err := sqlTx.Commit(); err != nil {
		return 0, fmt.Errorf("write to the tracker's database: %w", err)
	}
	return tx.seq, nil
}

func (tx *Tx) run(f func(*Tx) error) error {
	if err := tx.tx.QueryRowContext(tx.ctx, `SELECT value FROM meta WHERE key = 'seq'`).Scan(&tx.seq); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if !tx.saved {
		return nil
	}
	if err := tx.exec(`UPDATE meta SET value = ? WHERE key = 'seq'`, strconv.FormatInt(tx.seq, 10)); err != nil {
		return err
	}
	for key, more := range tx.counts {
		if err := tx.exec(`INSERT INTO saga_count (workflow, status, sagas) VALUES (?, ?, ?)
			ON CONFLICT (workflow, status) DO UPDATE SET sagas = sagas + excluded.sagas`, key[0], key[1], more); err != nil {
			return err
		}
	}
	return nil
}

// prepared gives a statement, prepared once per transaction.
func (tx *Tx) prepared(query string) (*sql.Stmt, error) {
	if statement := tx.statements[query]; statement != nil {
		return statement, nil
	}
	statement, err := tx.tx.PrepareContext(tx.ctx, query)
	if err != nil {
		return nil, err
	}
	tx.statements[query] = statement
	return statement, nil
}

func (tx *Tx) exec(query string, args ...any) error {
	statement, err := tx.prepared(query)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(tx.ctx, args...)
	return err
}

// loadAtATime is how many rows one query asks for: one by one each would cost twice as much.
const loadAtATime = 64

var loadQuery = `SELECT n, id, workflow, subject, status, started, seq, state FROM saga WHERE id IN (?` +
	strings.Repeat(", ?", loadAtATime-1) + `)`

// Load gives the sagas that are there; the others are missing from the map.
func (tx *Tx) Load(ids []SagaID) (map[SagaID]*Saga, error) {
	found := make(map[SagaID]*Saga, len(ids))
	statement, err := tx.prepared(loadQuery)
	if err != nil {
		return nil, err
	}
	args := make([]any, loadAtATime)
	for len(ids) > 0 {
		for i := range args {
			args[i] = ids[min(i, len(ids)-1)][:] // a short rest is filled up with its last ID
		}
		ids = ids[min(loadAtATime, len(ids)):]
		rows, err := statement.QueryContext(tx.ctx, args...)
		if err != nil {
			return nil, err
		}
		sagas, err := scanSagas(rows)
		if err != nil {
			return nil, err
		}
		for _, saga := range sagas {
			found[saga.ID] = saga
		}
	}
	return found, nil
}

// Save writes sagas, those that were loaded and new ones. Each gets the next sequence number.
func (tx *Tx) Save(sagas []*Saga) error {
	tx.saved = tx.saved || len(sagas) > 0
	for _, saga := range sagas {
		tx.seq++
		saga.Seq = tx.seq
		if err := tx.save(saga); err != nil {
			return err
		}
		saga.was = saga.columns()
	}
	return nil
}

func (tx *Tx) save(s *Saga) error {
	if s.n == 0 {
		return tx.insert(s)
	}
	if s.was == s.columns() { // most of the time: no index but that of seq has to change
		return tx.exec(`UPDATE saga SET seq = ?, state = ? WHERE n = ?`, s.Seq, s.State, s.n)
	}
	tx.count(s.was, -1)
	tx.count(s.columns(), +1)
	if s.was.subject != s.Subject {
		if err := tx.exec(`DELETE FROM saga_subject WHERE rowid = ?`, s.n); err != nil {
			return err
		}
		if err := tx.index(s); err != nil {
			return err
		}
	}
	if s.was.started == s.Started {
		return tx.exec(`UPDATE saga SET workflow = ?, subject = ?, status = ?, seq = ?, state = ? WHERE n = ?`,
			s.Workflow, s.Subject, s.Status, s.Seq, s.State, s.n)
	}
	return tx.exec(`UPDATE saga SET workflow = ?, subject = ?, status = ?, started = ?, seq = ?, state = ? WHERE n = ?`,
		s.Workflow, s.Subject, s.Status, s.Started, s.Seq, s.State, s.n)
}

func (tx *Tx) insert(s *Saga) error {
	statement, err := tx.prepared(`INSERT INTO saga (id, workflow, subject, status, started, seq, state) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	result, err := statement.ExecContext(tx.ctx, s.ID[:], s.Workflow, s.Subject, s.Status, s.Started, s.Seq, s.State)
	if err != nil {
		return err
	}
	if s.n, err = result.LastInsertId(); err != nil {
		return err
	}
	tx.count(s.columns(), +1)
	return tx.index(s)
}

func (tx *Tx) count(c columns, more int64) { tx.counts[[2]string{c.workflow, c.status}] += more }

func (tx *Tx) index(s *Saga) error {
	if s.Subject == "" {
		return nil
	}
	return tx.exec(`INSERT INTO saga_subject (rowid, subject) VALUES (?, ?)`, s.n, s.Subject)
}

// Append adds a record to a saga that was loaded or saved. One that is there already is left as it is.
func (tx *Tx) Append(s *Saga, r Record) error {
	topic, err := tx.topic(r.Topic)
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO record (saga, topic, kafka_partition, kafka_offset, time, headers, value) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, s.n, topic, r.Partition, r.Offset, r.Time, r.Headers, r.Value)
}

// SaveInstances writes the newest announcements; the tracker has seen to it that they are the newest.
func (tx *Tx) SaveInstances(instances []Instance) error {
	for _, i := range instances {
		if err := tx.exec(`INSERT INTO instance (service, instance, announced, announcement) VALUES (?, ?, ?, ?)
			ON CONFLICT (service, instance) DO UPDATE SET announced = excluded.announced, announcement = excluded.announcement`,
			i.Service, i.Instance, i.Announced, i.Announcement); err != nil {
			return err
		}
	}
	return nil
}

// SavePositions notes how far partitions were read.
func (tx *Tx) SavePositions(positions []Position) error {
	for _, p := range positions {
		topic, err := tx.topic(p.Topic)
		if err != nil {
			return err
		}
		if err := tx.exec(`INSERT INTO position (topic, kafka_partition, next) VALUES (?, ?, ?)
			ON CONFLICT (topic, kafka_partition) DO UPDATE SET next = excluded.next`, topic, p.Partition, p.Next); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) topic(t Topic) (int64, error) {
	if n, ok := tx.topics[t]; ok {
		return n, nil
	}
	if err := tx.exec(`INSERT INTO topic (name, kafka_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, t.Name, t.KafkaID[:]); err != nil {
		return 0, err
	}
	statement, err := tx.prepared(`SELECT n FROM topic WHERE name = ? AND kafka_id = ?`)
	if err != nil {
		return 0, err
	}
	var n int64
	if err := statement.QueryRowContext(tx.ctx, t.Name, t.KafkaID[:]).Scan(&n); err != nil {
		return 0, err
	}
	tx.topics[t] = n
	return n, nil
}
