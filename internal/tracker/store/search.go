package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// fewFound is up to how many hits of a search are all looked up and sorted. With more, it's quicker to read along the list
// of all sagas: as every so manieth is a hit, a page is full soon.
const fewFound = 10_000

// triedFirst is how many sagas are read along before all hits are asked for, where that may take long.
const triedFirst = 3_000

func (s *Store) search(ctx context.Context, f Filter) ([]*Saga, error) {
	matching, args, allAtOnce := s.matching(f.Search)
	if allAtOnce {
		hits, all, err := s.searchAlong(ctx, f, triedFirst)
		if err != nil || all {
			return hits, err
		}
	}
	found, err := query(ctx, s, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) },
		matching+` LIMIT ?`, append(slices.Clip(args), fewFound+1)...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if len(found) > fewFound {
		hits, _, err := s.searchAlong(ctx, f, 0)
		return hits, err
	}
	where, more := f.where()
	return query(ctx, s, scanSaga, `SELECT `+sagaColumns+` FROM saga WHERE n IN (`+matching+`) AND `+where+`
		ORDER BY started DESC, n DESC LIMIT ?`, append(append(args, more...), f.Limit)...)
}

// searchAlong looks at saga after saga, at most so many (0: all). enough says that the page is full, or that there are no more.
func (s *Store) searchAlong(ctx context.Context, f Filter, most int) (hits []*Saga, enough bool, err error) {
	page := f
	page.Search, page.Limit = "", 4*f.Limit // as if every fourth were a hit
	for looked := 0; len(hits) < f.Limit; looked += page.Limit {
		if most > 0 && looked >= most {
			return nil, false, nil
		}
		if looked > 0 {
			page.Limit = 1000
		}
		sagas, err := s.List(ctx, page)
		if err != nil {
			return nil, false, err
		}
		for _, saga := range sagas {
			if containsFold(saga.Subject, f.Search) {
				hits = append(hits, saga)
			}
		}
		if len(sagas) < page.Limit {
			break
		}
		last := sagas[len(sagas)-1].Place()
		page.Before = &last
	}
	return hits[:min(f.Limit, len(hits))], true, nil
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
