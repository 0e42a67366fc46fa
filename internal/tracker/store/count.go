package store

import (
	"context"
	"database/sql"
	"strings"
)

// Count says how many sagas the filter selects, wherever its page begins. Up to 10,000 are counted one by one; with more, exact is
// false and there are at least n.
func (s *Store) Count(ctx context.Context, f Filter) (n int64, exact bool, err error) {
	f.After = nil
	groups, err := s.groups(ctx, f)
	if err != nil || len(groups) == 0 {
		return 0, err == nil, err
	}
	if f.searches() {
		return s.countFound(ctx, f, groups)
	}
	if f.From == 0 && f.To == 0 && f.Late == 0 {
		for _, g := range groups {
			n += g.sagas
		}
		return n, true, nil
	}
	var arms []condition
	if len(groups) > maxMerged {
		c := s.rest(f, groups)
		arms = []condition{{`FROM saga s INDEXED BY saga_started CROSS JOIN saga_group g WHERE g.n = s.in_group AND ` + c.text, c.args}}
	} else if arms, err = s.arms(ctx, f, groups); err != nil || len(arms) == 0 {
		return 0, err == nil, err
	}
	n, err = s.atMost(ctx, s.by(f), s.few+1, arms)
	return min(n, s.few), n <= s.few, err
}

// atMost counts what queries give together, up to a number.
func (s *Store) atMost(ctx context.Context, db *sql.DB, most int64, arms []condition) (n int64, err error) {
	selects := make([]string, 0, len(arms))
	var args []any
	for _, arm := range arms {
		selects, args = append(selects, `SELECT 1 AS one `+arm.text), append(args, arm.args...)
	}
	_, err = queryBy(ctx, s, db, func(rows *sql.Rows) (none struct{}, err error) { return none, rows.Scan(&n) },
		`SELECT count(*) FROM (SELECT one FROM (`+strings.Join(selects, ` UNION ALL `)+`) AS every LIMIT ?) AS counted`, append(args, most)...)
	return n, err
}

// countFound counts hits of a search. Of more than fewFound, only so many are looked at for whether the rest of the filter selects
// them, too.
func (s *Store) countFound(ctx context.Context, f Filter, groups []counted) (n int64, exact bool, err error) {
	hits, allAtOnce, err := s.hitsOf(ctx, f)
	if err != nil {
		return 0, false, err
	}
	if allAtOnce {
		along := f
		along.Limit = manyAlong
		if found, enough, err := s.searchAlong(ctx, along, triedFirst); err != nil || enough {
			return int64(len(found)), len(found) < manyAlong, err
		}
	}
	found, err := s.countHits(ctx, f, hits)
	if err != nil || found == 0 {
		return 0, err == nil, err
	}
	c := s.rest(f, groups)
	c.and(`s.n IN (`+hits.text+` LIMIT ?)`, append(hits.args, s.few)...)
	from := `FROM saga s WHERE `
	if f.Late != 0 { // which asks the group whether it is noted as overdue
		from = `FROM saga s CROSS JOIN saga_group g WHERE g.n = s.in_group AND `
	}
	n, err = s.atMost(ctx, s.by(f), s.few, []condition{{from + c.text, c.args}})
	return n, found <= s.few, err
}

// manyAlong is how many hits among the first sagas of a list say that there are too many to work all of them out.
const manyAlong = 100
