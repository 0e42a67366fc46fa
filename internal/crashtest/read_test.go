package crashtest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	_ "modernc.org/sqlite" // the services' databases

	"github.com/skald-saga/skald/services/provisioner"
)

// readRecords reads all that is committed in topics, from where they begin to where they end now. It knows of headers and nothing
// of Skald.
func readRecords(ctx context.Context, brokers []string, prefix string, topics ...string) (map[string][]record, error) {
	from, left := map[string]map[int32]kgo.Offset{}, map[string]int64{}
	admin, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	starts, ends, err := bounds(ctx, admin, prefix, topics...)
	if err != nil {
		return nil, err
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if start.Offset >= end.Offset {
			return
		}
		if from[end.Topic] == nil {
			from[end.Topic] = map[int32]kgo.Offset{}
		}
		from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
		left[place(end.Topic, end.Partition)] = end.Offset
	})
	all := map[string][]record{}
	if len(left) == 0 {
		return all, nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(from),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords()) // a partition may end in a transaction's marker
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read what is left of %v: %w", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			topic := strings.TrimPrefix(r.Topic, prefix)
			if !r.Attrs.IsControl() {
				all[topic] = append(all[topic], plain(topic, r))
			}
			if end, ok := left[place(r.Topic, r.Partition)]; ok && r.Offset+1 >= end {
				delete(left, place(r.Topic, r.Partition))
			}
		})
	}
	return all, nil
}

func place(topic string, partition int32) string { return fmt.Sprint(topic, "/", partition) }

func plain(topic string, r *kgo.Record) record {
	p := record{topic: topic, partition: r.Partition, offset: r.Offset, key: string(r.Key), value: r.Value, headers: map[string]string{}}
	for _, h := range r.Headers {
		if _, twice := p.headers[h.Key]; !twice {
			p.headers[h.Key] = string(h.Value)
		}
	}
	return p
}

func bounds(ctx context.Context, client *kgo.Client, prefix string, topics ...string) (starts, ends kadm.ListedOffsets, err error) {
	full := make([]string, 0, len(topics))
	for _, topic := range topics {
		full = append(full, prefix+topic)
	}
	admin := kadm.NewClient(client)
	if starts, err = admin.ListStartOffsets(ctx, full...); err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	if ends, err = admin.ListEndOffsets(ctx, full...); err == nil {
		err = ends.Error()
	}
	return starts, ends, err
}

// readLedgers gives the services' ledgers with their fences; without their records unless these are given.
func readLedgers(ctx context.Context, brokers []string, prefix string, services []string, records map[string][]record) ([]ledgerState, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var all []ledgerState
	for _, service := range services {
		topic := "skald." + service + ".ledger"
		starts, ends, err := bounds(ctx, client, prefix, topic)
		if err != nil {
			return nil, err
		}
		fences, err := kadm.NewClient(client).FetchOffsets(ctx, prefix+"skald."+service)
		if err != nil {
			return nil, err
		}
		ends.Each(func(end kadm.ListedOffset) {
			start, _ := starts.Lookup(end.Topic, end.Partition)
			l := ledgerState{service: service, partition: end.Partition, start: start.Offset, end: end.Offset, fence: -1}
			if fence, ok := fences.Lookup(end.Topic, end.Partition); ok {
				l.fence = fence.At
			}
			for _, r := range records[topic] {
				if r.partition == end.Partition {
					l.records = append(l.records, r)
				}
			}
			all = append(all, l)
		})
	}
	return all, nil
}

// readStores asks the services' databases.
func (e *evidence) readStores(ctx context.Context, folder string) error {
	inventory, err := openStore(folder, "provisioner")
	if err != nil {
		return err
	}
	defer inventory.Close()
	grants, err := openStore(folder, "authorizer")
	if err != nil {
		return err
	}
	defer grants.Close()
	for _, q := range []struct {
		db    *sql.DB
		query string
		scan  func(*sql.Rows) error
	}{
		{inventory, `SELECT serial, assignment, email FROM devices WHERE assignment IS NOT NULL`, func(r *sql.Rows) error {
			e.devices = append(e.devices, device{})
			d := &e.devices[len(e.devices)-1]
			return r.Scan(&d.serial, &d.assignment, &d.email)
		}},
		{inventory, `SELECT saga_id, email, message_id FROM completions`, func(r *sql.Rows) error {
			e.completions = append(e.completions, completion{})
			c := &e.completions[len(e.completions)-1]
			return r.Scan(&c.saga, &c.email, &c.messageID)
		}},
		{inventory, `SELECT stock, returned FROM models`, func(r *sql.Rows) error {
			var stock, returned int64
			err := r.Scan(&stock, &returned)
			e.assigned += provisioner.DefaultStock - stock
			e.returned += returned
			return err
		}},
		{inventory, `SELECT count(*) FROM devices WHERE assignment IS NULL`, func(r *sql.Rows) error { return r.Scan(&e.inStock) }},
		{inventory, spentKeys, e.scanUndone},
		{grants, spentKeys, e.scanUndone},
		{grants, `SELECT granted_for, entitlement, email FROM grants`, func(r *sql.Rows) error {
			e.grants = append(e.grants, grant{})
			g := &e.grants[len(e.grants)-1]
			return r.Scan(&g.key, &g.entitlement, &g.email)
		}},
	} {
		if err := each(ctx, q.db, q.query, q.scan); err != nil {
			return fmt.Errorf("%s: %w", q.query, err)
		}
	}
	if !e.rolled {
		return nil
	}
	return each(ctx, grants, `SELECT saga_id FROM watched`, func(r *sql.Rows) error {
		e.watched = append(e.watched, "")
		return r.Scan(&e.watched[len(e.watched)-1])
	})
}

// spentKeys are the tombstones that skaldsql.Undo leaves.
const spentKeys = `SELECT effect_key FROM skald_effects WHERE state = 'undone'`

func (e *evidence) scanUndone(r *sql.Rows) error {
	e.undone = append(e.undone, "")
	return r.Scan(&e.undone[len(e.undone)-1])
}

func openStore(folder, service string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+filepath.Join(folder, service+".db")+"?_txlock=immediate&_pragma=busy_timeout(60000)") // beside services that are busy
}

func each(ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
