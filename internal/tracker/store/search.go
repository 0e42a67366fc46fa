package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// fewFound is up to how many hits of a search are all looked up and sorted. With more, it's quicker to read along the list
// of all sagas: as every so manieth is a hit, a page is full soon. It's also up to how many sagas are counted.
const fewFound = 10_000

// triedFirst is how many sagas are read along before all hits are asked for, where that may take long.
const triedFirst = 3_000

// hitsOf is a query for the numbers of what the search finds. allAtOnce says that it works all of them out before it gives the
// first.
func (s *Store) hitsOf(ctx context.Context, f Filter) (c condition, allAtOnce bool, err error) {
	switch {
	case f.Header == nil && f.Search == "":
		return condition{`SELECT DISTINCT l.saga FROM letter l WHERE l.cause = ? AND l.saga <> 0`, []any{f.Cause}}, false, nil
	case f.Header == nil:
		c.text, c.args, allAtOnce = s.matching(f.Search)
		return c, allAtOnce, nil
	}
	var last int64
	if _, err = query(ctx, s, func(rows *sql.Rows) (none struct{}, err error) { return none, rows.Scan(&last) },
		`SELECT coalesce(max(n), 0) FROM saga`); err != nil {
		return c, false, err
	}
	c.text, c.args = s.holding(*f.Header, last)
	return c, false, nil
}

func (s *Store) search(ctx context.Context, f Filter) ([]*Saga, error) {
	groups, err := s.searched(ctx, f)
	if err != nil || groups != nil && len(groups) == 0 {
		return nil, err
	}
	hits, allAtOnce, err := s.hitsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	if allAtOnce {
		found, all, err := s.searchAlong(ctx, f, triedFirst)
		if err != nil || all {
			return found, err
		}
	}
	count, err := s.countHits(ctx, f, hits)
	if err != nil || count == 0 {
		return nil, err
	}
	if count > s.few {
		found, _, err := s.searchAlong(ctx, f, 0)
		return found, err
	}
	c := s.rest(f, groups)
	c.and(`s.n IN (`+hits.text+`)`, hits.args...)
	return queryBy(ctx, s, s.by(f), scanSaga, selectSagas("")+c.text+f.order(), append(c.args, f.Limit)...)
}

// by is what a search is asked through.
func (s *Store) by(f Filter) *sql.DB {
	if f.Search != "" {
		return s.finder
	}
	return s.reader
}

// searched gives the groups that a search is for, nil for all.
func (s *Store) searched(ctx context.Context, f Filter) ([]counted, error) {
	if f.Workflow == "" && f.Groups == nil {
		return nil, nil
	}
	groups, err := s.groups(ctx, f)
	if groups == nil {
		groups = []counted{}
	}
	return groups, err
}

// countHits counts up to one more than fewFound.
func (s *Store) countHits(ctx context.Context, f Filter, hits condition) (n int64, err error) {
	_, err = queryBy(ctx, s, s.by(f), func(rows *sql.Rows) (none struct{}, err error) { return none, rows.Scan(&n) },
		`SELECT count(*) FROM (`+hits.text+` LIMIT ?) AS hits`, append(slices.Clip(hits.args), s.few+1)...)
	return n, err
}

// searchAlong looks at saga after saga, at most so many (0: all). enough says that the page is full, or that there are no more.
func (s *Store) searchAlong(ctx context.Context, f Filter, most int) (hits []*Saga, enough bool, err error) {
	page := f
	page.Search, page.Header, page.Cause, page.Limit = "", nil, "", 4*f.Limit // as if every fourth were a hit
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
		found, err := s.hitsAmong(ctx, f, sagas)
		if err != nil {
			return nil, false, err
		}
		hits = append(hits, found...)
		if len(sagas) < page.Limit {
			break
		}
		last := sagas[len(sagas)-1].Place()
		page.After = &last
	}
	return hits[:min(f.Limit, len(hits))], true, nil
}

// hitsAmong gives those of some sagas that the search is for, in the same order.
func (s *Store) hitsAmong(ctx context.Context, f Filter, sagas []*Saga) (hits []*Saga, err error) {
	hits = sagas
	if f.Search != "" {
		hits = slices.DeleteFunc(slices.Clone(hits), func(saga *Saga) bool { return !containsFold(saga.Subject, f.Search) })
	}
	if f.Header != nil {
		if hits, err = s.hitsOn(ctx, hits, `SELECT 1 FROM saga_header h WHERE h.bucket = s.n >> `+bucketShift+` AND h.hash = ? AND h.saga = s.n`, *f.Header); err != nil {
			return nil, err
		}
	}
	if f.Cause != "" {
		return s.hitsOn(ctx, hits, `SELECT 1 FROM letter l WHERE l.saga = s.n AND l.cause = ?`, f.Cause)
	}
	return hits, nil
}

// hitsOn gives those of some sagas for which a query finds something.
func (s *Store) hitsOn(ctx context.Context, sagas []*Saga, exists string, arg any) (hits []*Saga, err error) {
	if len(sagas) == 0 {
		return nil, nil
	}
	numbers := make([]any, len(sagas))
	for i, saga := range sagas {
		numbers[i] = saga.n
	}
	among, args := s.in(`s.n`, "bigint", numbers)
	has := map[int64]bool{}
	if _, err := query(ctx, s, func(rows *sql.Rows) (none struct{}, err error) {
		var n int64
		err = rows.Scan(&n)
		has[n] = true
		return none, err
	}, `SELECT s.n FROM saga s WHERE `+among+` AND EXISTS (`+exists+`)`, append(args, arg)...); err != nil {
		return nil, err
	}
	for _, saga := range sagas {
		if has[saga.n] {
			hits = append(hits, saga)
		}
	}
	return hits, nil
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
