package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Group is what sagas are filtered and counted by. There are as many as combinations of it occur, a few hundred as a rule.
type Group struct {
	Workflow string
	Status   string // "": nothing but its ID is known, and no list has it
	Service  string // of the step that has its token, "" where the log doesn't name it
	Topic    string // its input
	Overdue  bool   // noted as past its deadline, and not over
}

// counted is a group, how it is stored, and how many sagas are in it.
type counted struct {
	Group
	n, sagas int64
}

const groupColumns = `g.workflow, g.status, g.service, g.topic, g.overdue`

func (g *Group) fields() []any {
	return []any{&g.Workflow, &g.Status, &g.Service, &g.Topic, &g.Overdue}
}

// groups gives those that the filter selects and that have sagas.
func (s *Store) groups(ctx context.Context, f Filter) ([]counted, error) {
	var chosen []counted
	_, err := query(ctx, s, func(rows *sql.Rows) (none struct{}, err error) {
		var c counted
		if err := rows.Scan(append(c.fields(), &c.n, &c.sagas)...); err != nil {
			return none, err
		}
		if f.Groups == nil || f.Groups(c.Group) {
			chosen = append(chosen, c)
		}
		return none, nil
	}, `SELECT `+groupColumns+`, g.n, g.sagas FROM saga_group g WHERE g.sagas > 0 AND g.status <> '' AND (? = '' OR g.workflow = ?)`,
		f.Workflow, f.Workflow)
	return chosen, err
}

// Counts gives how many sagas have each status; workflow "" means all.
func (s *Store) Counts(ctx context.Context, workflow string) (map[string]int64, error) {
	groups, err := s.groups(ctx, Filter{Workflow: workflow})
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, g := range groups {
		counts[g.Status] += g.sagas
	}
	return counts, nil
}

// numbering knows the groups' numbers, and is kept from one transaction to the next as long as nobody else writes.
type numbering struct {
	numbers map[Group]int64
	last    int64
	lease   string // under which it was read; "" if it has to be read
}

// group gives a group's number, a new one if no saga was ever in it. Its row is written with its count.
func (tx *Tx) group(g Group) (int64, error) {
	if tx.groups.lease == "" {
		if err := tx.readGroups(); err != nil {
			return 0, err
		}
	}
	n, known := tx.groups.numbers[g]
	if !known {
		tx.groups.last++
		n = tx.groups.last
		tx.groups.numbers[g] = n
	}
	return n, nil
}

func (tx *Tx) readGroups() error {
	*tx.groups = numbering{numbers: map[Group]int64{}, lease: tx.leaseName}
	rows, err := tx.tx.QueryContext(tx.ctx, `SELECT `+groupColumns+`, g.n FROM saga_group g`)
	if err != nil {
		return err
	}
	_, err = scanAll(rows, func(rows *sql.Rows) (none struct{}, err error) {
		var g counted
		if err := rows.Scan(append(g.fields(), &g.n)...); err != nil {
			return none, err
		}
		tx.groups.numbers[g.Group], tx.groups.last = g.n, max(tx.groups.last, g.n)
		return none, nil
	})
	return err
}

// countMore writes how many more sagas there are in groups and minutes than before.
func (tx *Tx) countMore() error {
	var groups, minutes [][]any
	for g, more := range tx.counts {
		if more == 0 {
			continue
		}
		n, err := tx.group(g)
		if err != nil {
			return err
		}
		overdue := int64(0)
		if g.Overdue {
			overdue = 1
		}
		groups = append(groups, []any{n, g.Workflow, g.Status, g.Service, g.Topic, overdue, more})
	}
	for at, more := range tx.minutes {
		if more != 0 {
			minutes = append(minutes, []any{at.minute, at.outcome, more})
		}
	}
	if err := tx.runMany(tx, change{
		insert: "saga_group",
		columns: []column{
			bigint("n"), text("workflow"), text("status"), text("service"), text("topic"), bigint("overdue"), bigint("sagas"),
		},
		conflict: `ON CONFLICT (n) DO UPDATE SET sagas = saga_group.sagas + excluded.sagas`,
	}, groups); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return tx.runMany(tx, change{
		insert: "outcome_minute", columns: []column{bigint("minute"), text("outcome"), bigint("sagas")},
		conflict: `ON CONFLICT (minute, outcome) DO UPDATE SET sagas = outcome_minute.sagas + excluded.sagas`,
	}, minutes)
}
