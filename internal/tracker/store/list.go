package store

import (
	"context"
	"database/sql"
	"strings"
)

// Filter selects sagas. Its zero value selects all.
type Filter struct {
	Workflow string
	Status   string
	Search   string // part of the business key, of MinSearch characters or more
	Before   *Place // only what comes after this place in the list
	Limit    int
}

// Place is where a saga stands in a list: by the time it started, the youngest first, and for one time by when it was first seen.
type Place struct{ Started, N int64 }

// Place gives where the saga stands in a list.
func (s *Saga) Place() Place { return Place{s.Started, s.n} }

// MinSearch is the least number of characters that a search needs: the index is one of trigrams.
const MinSearch = 3

// List gives the sagas that the filter selects, the youngest first.
func (s *Store) List(ctx context.Context, f Filter) ([]*Saga, error) {
	if f.Search != "" {
		return s.search(ctx, f)
	}
	if f.Workflow == "" && f.Status == "" {
		return s.walk(ctx, f)
	}
	return s.merge(ctx, f)
}

// walk reads along the index of start times.
func (s *Store) walk(ctx context.Context, f Filter) ([]*Saga, error) {
	where, args := f.where()
	return query(ctx, s, scanSaga, `SELECT `+sagaColumns+` FROM saga INDEXED BY saga_started WHERE `+where+
		` ORDER BY started DESC, n DESC LIMIT ?`, append(args, f.Limit)...)
}

func (f Filter) where() (condition string, args []any) {
	condition = `status <> ''`
	if f.Workflow != "" {
		condition, args = condition+` AND workflow = ?`, append(args, f.Workflow)
	}
	if f.Status != "" {
		condition, args = condition+` AND status = ?`, append(args, f.Status)
	}
	if f.Before != nil {
		condition, args = condition+` AND (started, n) < (?, ?)`, append(args, f.Before.Started, f.Before.N)
	}
	return condition, args
}

// part is one combination of workflow and status.
type part struct {
	workflow, status string
	sagas            int64
}

func (s *Store) parts(ctx context.Context, f Filter) ([]part, error) {
	return query(ctx, s, func(rows *sql.Rows) (p part, err error) {
		return p, rows.Scan(&p.workflow, &p.status, &p.sagas)
	}, `SELECT workflow, status, sagas FROM saga_count
		WHERE sagas > 0 AND status <> '' AND (? = '' OR workflow = ?) AND (? = '' OR status = ?)`, f.Workflow, f.Workflow, f.Status, f.Status)
}

// maxParts bounds what merge puts together; SQLite takes 500 parts. There are as many workflows as people have declared, so
// more than this is a producer that makes up names.
const maxParts = 200

// merge reads, for each combination of workflow and status that the filter selects, the youngest along the one index that
// has both, and merges. So one index serves every filter, and none has to read past sagas that it doesn't select.
func (s *Store) merge(ctx context.Context, f Filter) ([]*Saga, error) {
	parts, err := s.parts(ctx, f)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	if len(parts) > maxParts {
		return s.walk(ctx, f)
	}
	var selects []string
	var args []any
	for _, p := range parts {
		where, more := Filter{Before: f.Before}.where()
		selects = append(selects, `SELECT picked, at FROM (SELECT n AS picked, started AS at FROM saga INDEXED BY saga_filter
			WHERE workflow = ? AND status = ? AND `+where+` ORDER BY started DESC, n DESC LIMIT ?) AS part`)
		args = append(append(append(args, p.workflow, p.status), more...), f.Limit)
	}
	return query(ctx, s, scanSaga, `SELECT `+sagaColumns+` FROM saga WHERE n IN (SELECT picked FROM (`+strings.Join(selects, ` UNION ALL `)+
		` ORDER BY at DESC, picked DESC LIMIT ?) AS picks) ORDER BY started DESC, n DESC`, append(args, f.Limit)...)
}
