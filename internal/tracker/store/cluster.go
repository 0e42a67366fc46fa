package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Cluster gives the ID of the cluster that the database tells of, "" before the first Reset.
func (s *Store) Cluster(ctx context.Context) (string, error) {
	var id string
	err := s.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'cluster'`).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the tracker's database: %w", err)
	}
	return id, nil
}

// Reset forgets everything, for a cluster of another ID. Sequence numbers go on above the old ones.
func (s *Store) Reset(ctx context.Context, cluster string) error {
	_, err := s.Update(ctx, func(tx *Tx) error {
		for _, table := range []string{"saga", "saga_group", "saga_subject", "saga_header", "outcome_minute", "record", "letter", "traffic", "position", "topic", "instance"} {
			if err := tx.do(tx.forget(table)); err != nil {
				return err
			}
		}
		*tx.groups = numbering{}
		tx.seq, tx.ended, tx.saved, tx.topics = max(tx.seq+1, firstSeq()), 0, true, nil
		return tx.do(`INSERT INTO meta (key, value) VALUES ('cluster', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, cluster)
	})
	return err
}

// Positions gives how far each partition was read.
func (s *Store) Positions(ctx context.Context) ([]Position, error) {
	return query(ctx, s, func(rows *sql.Rows) (p Position, err error) {
		var id []byte
		err = rows.Scan(&p.Topic.Name, &id, &p.Partition, &p.Next, &p.Data)
		copy(p.Topic.KafkaID[:], id)
		return p, err
	}, `SELECT t.name, t.kafka_id, p.kafka_partition, p.next, p.data FROM position p JOIN topic t ON t.n = p.topic`)
}

// Instances gives the newest announcement of each instance, by service and instance.
func (s *Store) Instances(ctx context.Context) ([]Instance, error) {
	return query(ctx, s, func(rows *sql.Rows) (i Instance, err error) {
		return i, rows.Scan(&i.Service, &i.Instance, &i.Announced, &i.Announcement)
	}, `SELECT service, instance, announced, announcement FROM instance ORDER BY service, instance`)
}
