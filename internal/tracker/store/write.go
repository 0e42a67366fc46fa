package store

import "strings"

// loadAtATime is how many rows one query asks for: one by one each would cost twice as much.
const loadAtATime = 64

var loadQuery = `SELECT n, id, workflow, subject, status, started, seq, state FROM saga WHERE id IN (?` +
	strings.Repeat(", ?", loadAtATime-1) + `)`

// Load gives the sagas that are there; the others are missing from the map.
func (tx *Tx) Load(ids []SagaID) (map[SagaID]*Saga, error) {
	found := make(map[SagaID]*Saga, len(ids))
	statement, err := tx.prepared(loadQuery) //nolint:sqlclosecheck // see prepared
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
		return tx.do(`UPDATE saga SET seq = ?, state = ? WHERE n = ?`, s.Seq, s.State, s.n)
	}
	tx.count(s.was, -1)
	tx.count(s.columns(), +1)
	if s.was.subject != s.Subject {
		if err := tx.do(`DELETE FROM saga_subject WHERE rowid = ?`, s.n); err != nil {
			return err
		}
		if err := tx.index(s); err != nil {
			return err
		}
	}
	if s.was.started == s.Started {
		return tx.do(`UPDATE saga SET workflow = ?, subject = ?, status = ?, seq = ?, state = ? WHERE n = ?`,
			s.Workflow, s.Subject, s.Status, s.Seq, s.State, s.n)
	}
	return tx.do(`UPDATE saga SET workflow = ?, subject = ?, status = ?, started = ?, seq = ?, state = ? WHERE n = ?`,
		s.Workflow, s.Subject, s.Status, s.Started, s.Seq, s.State, s.n)
}

func (tx *Tx) insert(s *Saga) error {
	result, err := tx.exec(`INSERT INTO saga (id, workflow, subject, status, started, seq, state) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		s.ID[:], s.Workflow, s.Subject, s.Status, s.Started, s.Seq, s.State)
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
	return tx.do(`INSERT INTO saga_subject (rowid, subject) VALUES (?, ?)`, s.n, s.Subject)
}

// Append adds a record to a saga that was loaded or saved. One that is there already is left as it is.
func (tx *Tx) Append(s *Saga, r Record) error {
	topic, err := tx.topic(r.Topic)
	if err != nil {
		return err
	}
	return tx.do(`INSERT INTO record (saga, topic, kafka_partition, kafka_offset, time, headers, value) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, s.n, topic, r.Partition, r.Offset, r.Time, r.Headers, r.Value)
}

// SaveInstances writes the newest announcements; the tracker has seen to it that they are the newest.
func (tx *Tx) SaveInstances(instances []Instance) error {
	for _, i := range instances {
		if err := tx.do(`INSERT INTO instance (service, instance, announced, announcement) VALUES (?, ?, ?, ?)
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
		if err := tx.do(`INSERT INTO position (topic, kafka_partition, next) VALUES (?, ?, ?)
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
	if err := tx.do(`INSERT INTO topic (name, kafka_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, t.Name, t.KafkaID[:]); err != nil {
		return 0, err
	}
	var n int64
	if err := tx.tx.QueryRowContext(tx.ctx, `SELECT n FROM topic WHERE name = ? AND kafka_id = ?`, t.Name, t.KafkaID[:]).Scan(&n); err != nil {
		return 0, err
	}
	tx.topics[t] = n
	return n, nil
}
