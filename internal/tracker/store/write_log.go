package store

import (
	"database/sql"
	"slices"
)

// Append adds a record to a saga that was loaded or saved. One that is there already is left as it is.
func (tx *Tx) Append(s *Saga, r Record) error {
	topic, err := tx.topic(r.Topic)
	if err != nil {
		return err
	}
	headers := r.Headers
	if headers == nil {
		headers = []byte{}
	}
	tx.records = append(tx.records, []any{s.n, topic, int64(r.Partition), r.Offset, r.Time, headers, r.Value})
	for _, hash := range r.Hashes {
		tx.headers = append(tx.headers, headerRow(s.n, hash))
	}
	return nil
}

func (tx *Tx) flush() error {
	// In the order of the rows that are there already.
	slices.SortFunc(tx.headers, compareHeaders)
	tx.headers = slices.CompactFunc(tx.headers, func(a, b []any) bool { return compareHeaders(a, b) == 0 })
	if err := tx.runMany(tx, change{insert: "saga_header", columns: headerColumns, conflict: `ON CONFLICT DO NOTHING`}, tx.headers); err != nil {
		return err
	}
	return tx.runMany(tx, change{
		insert: "record",
		columns: []column{
			bigint("saga"), bigint("topic"), bigint("kafka_partition"), bigint("kafka_offset"), bigint("time"), bytea("headers"), bytea("value"),
		},
		conflict: `ON CONFLICT DO NOTHING`,
	}, tx.records)
}

// SaveInstances writes the newest announcements, one of an instance; the tracker has seen to it that they are the newest.
func (tx *Tx) SaveInstances(instances []Instance) error {
	rows := make([][]any, 0, len(instances))
	for _, i := range instances {
		rows = append(rows, []any{clean(i.Service), clean(i.Instance), i.Announced, i.Announcement})
	}
	return tx.runMany(tx, change{
		insert:   "instance",
		columns:  []column{text("service"), text("instance"), bigint("announced"), bytea("announcement")},
		conflict: `ON CONFLICT (service, instance) DO UPDATE SET announced = excluded.announced, announcement = excluded.announcement`,
	}, rows)
}

// SavePositions notes how far partitions were read, each of them once.
func (tx *Tx) SavePositions(positions []Position) error {
	rows := make([][]any, 0, len(positions))
	for _, p := range positions {
		topic, err := tx.topic(p.Topic)
		if err != nil {
			return err
		}
		rows = append(rows, []any{topic, int64(p.Partition), p.Next, p.Data})
	}
	return tx.runMany(tx, change{
		insert: "position", columns: []column{bigint("topic"), bigint("kafka_partition"), bigint("next"), bigint("data")},
		conflict: `ON CONFLICT (topic, kafka_partition) DO UPDATE SET next = excluded.next,
			data = CASE WHEN excluded.data > position.data THEN excluded.data ELSE position.data END`,
	}, rows)
}

// topic gives a topic's number. All that are there are read once per transaction: a saga's records are of many.
func (tx *Tx) topic(t Topic) (int64, error) {
	if n, ok := tx.topics[t]; ok {
		return n, nil
	}
	if tx.topics != nil {
		if err := tx.do(`INSERT INTO topic (name, kafka_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, t.Name, t.KafkaID[:]); err != nil {
			return 0, err
		}
	}
	rows, err := tx.tx.QueryContext(tx.ctx, `SELECT n, name, kafka_id FROM topic`)
	if err != nil {
		return 0, err
	}
	type numbered struct {
		Topic
		n int64
	}
	all, err := scanAll(rows, func(rows *sql.Rows) (t numbered, err error) {
		var id sql.RawBytes
		err = rows.Scan(&t.n, &t.Name, &id)
		copy(t.KafkaID[:], id)
		return t, err
	})
	if err != nil {
		return 0, err
	}
	tx.topics = make(map[Topic]int64, len(all))
	for _, known := range all {
		tx.topics[known.Topic] = known.n
	}
	return tx.topic(t)
}
