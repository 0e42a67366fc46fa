package store

import (
	"strings"
)

// Load gives the sagas that are there; the others are missing from the map.
func (tx *Tx) Load(ids []SagaID) (map[SagaID]*Saga, error) {
	found := make(map[SagaID]*Saga, len(ids))
	most := tx.inAtATime()
	for len(ids) > 0 {
		args := make([]any, most)
		for i := range args {
			args[i] = ids[min(i, len(ids)-1)][:] // a short rest is filled up with its last ID, so that there is one statement
		}
		ids = ids[min(most, len(ids)):]
		condition, args := tx.in("s.id", "bytea", args)
		statement, err := tx.prepared(selectSagas("") + condition) //nolint:sqlclosecheck // see prepared
		if err != nil {
			return nil, err
		}
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

// Most of the time a saga's change is one of its state, or it goes on to the next step: few indexes have to follow.
var (
	insertSagas = change{insert: "saga", columns: []column{
		bytea("id"), bigint("in_group"), text("subject"), bigint("started"), bigint("ended"), bigint("due"), bigint("began"), bigint("seq"),
		bytea("state"), bigint("n"),
	}}
	updateStates = change{update: "saga", columns: []column{bigint("seq"), bytea("state")}, key: bigint("n")}
	updateGroups = change{update: "saga", columns: []column{bigint("in_group"), bigint("seq"), bytea("state")}, key: bigint("n")}
	updateSagas  = change{update: "saga", columns: []column{
		bigint("in_group"), text("subject"), bigint("started"), bigint("ended"), bigint("due"), bigint("seq"), bytea("state"),
	}, key: bigint("n")}
)

// saving are the rows to write, by what has to be written of them.
type saving struct {
	inserts, states, groups, sagas [][]any
	unindex                        [][]any
	index                          []subject
}

// Save writes sagas, those that were loaded and new ones, each of them once. Each gets the next sequence number.
func (tx *Tx) Save(sagas []*Saga) error {
	tx.saved = tx.saved || len(sagas) > 0
	var s saving
	for _, saga := range sagas {
		tx.seq++
		saga.Seq = tx.seq
		for _, text := range []*string{&saga.Workflow, &saga.Subject, &saga.Status, &saga.Service, &saga.Topic} {
			*text = clean(*text)
		}
		if err := tx.sort(saga, &s); err != nil {
			return err
		}
		saga.was = saga.columns()
	}
	for _, write := range []struct {
		change
		rows [][]any
	}{
		{insertSagas, s.inserts}, {updateStates, s.states}, {updateGroups, s.groups}, {updateSagas, s.sagas}, {tx.unindex(), s.unindex},
	} {
		if err := tx.runMany(tx, write.change, write.rows); err != nil {
			return err
		}
	}
	return tx.index(tx, s.index)
}

// sort puts a saga to the others of which the same has to be written.
func (tx *Tx) sort(g *Saga, s *saving) error {
	isNew, now, moved := g.n == 0, g.columns(), g.was
	if g.was == now && !isNew {
		s.states = append(s.states, []any{g.Seq, g.State, g.n})
		return nil
	}
	group, err := tx.group(g.Group)
	if err != nil {
		return err
	}
	moved.group = g.Group
	switch {
	case isNew:
		tx.last++
		g.n, g.Began = tx.last, g.Seq
		s.inserts = append(s.inserts, []any{g.ID[:], group, g.Subject, g.Started, g.Ended, g.Due, g.Began, g.Seq, g.State, g.n})
	case moved == now:
		s.groups = append(s.groups, []any{group, g.Seq, g.State, g.n})
	default:
		s.sagas = append(s.sagas, []any{group, g.Subject, g.Started, g.Ended, g.Due, g.Seq, g.State, g.n})
	}
	if !isNew {
		tx.count(g.was, -1)
		tx.countEnd(g.was, -1)
	}
	tx.count(now, +1)
	tx.countEnd(now, +1)
	if g.was.subject == g.Subject {
		return nil
	}
	if g.was.subject != "" {
		s.unindex = append(s.unindex, []any{g.n})
	}
	if g.Subject != "" {
		s.index = append(s.index, subject{g.n, g.Subject})
	}
	return nil
}

func (tx *Tx) count(c columns, more int64) {
	tx.counts[c.group] += more
	if c.ended > 0 {
		tx.ended += more
	}
}

func (tx *Tx) countEnd(c columns, more int64) {
	if c.ended > 0 {
		tx.minutes[minute{minuteOf(c.ended), c.group.Status}] += more
	}
}

// clean makes a text what both databases take: PostgreSQL refuses what isn't UTF-8, and NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
