package store

import (
	"context"
	"strings"
)

// Filter selects sagas. Its zero value selects all.
type Filter struct {
	Workflow string
	Groups   func(Group) bool // which groups of sagas; nil: all
	From, To int64            // that started at From or later, and before To, in Unix nanoseconds; 0 is no bound
	Late     int64            // only those noted as overdue, or due before this time; 0: all. Groups had better leave out what is over
	Search   string           // part of the business key, of MinSearch characters or more
	Header   *int64           // the hash of a header of one of its events, instead of Search
	Cause    string           // of one of its dead letters; part of the search

	After  *Place // only what comes after this place in the list
	Oldest bool   // the oldest first instead of the youngest
	Limit  int
}

// Place is where a saga stands in a list: by the time it started, and for one time by when it was first seen.
type Place struct{ Started, N int64 }

// Place gives where the saga stands in a list.
func (s *Saga) Place() Place { return Place{s.Started, s.n} }

// MinSearch is the least number of characters that a search needs: the index is one of trigrams.
const MinSearch = 3

// List gives the sagas that the filter selects, the youngest first unless it says otherwise.
func (s *Store) List(ctx context.Context, f Filter) ([]*Saga, error) {
	if f.searches() {
		return s.search(ctx, f)
	}
	if f.Workflow == "" && f.Groups == nil && f.Late == 0 {
		return s.walk(ctx, f, nil)
	}
	groups, err := s.groups(ctx, f)
	switch {
	case err != nil || len(groups) == 0:
		return nil, err
	case len(groups) > maxMerged:
		return s.walk(ctx, f, groups)
	}
	return s.merge(ctx, f, groups)
}

func (f Filter) searches() bool { return f.Search != "" || f.Header != nil || f.Cause != "" }

// maxMerged bounds what merge puts together; SQLite takes 500 parts. More is a producer that makes up names.
const maxMerged = 400

// condition is a part of a statement with its arguments.
type condition struct {
	text string
	args []any
}

func (c *condition) and(text string, args ...any) {
	if c.text != "" {
		c.text += ` AND `
	}
	c.text, c.args = c.text+text, append(c.args, args...)
}

// inGroups selects the groups, nil for any that lists have.
func (s *Store) inGroups(c *condition, groups []counted) {
	if groups == nil {
		c.and(`g.status <> ''`)
		return
	}
	numbers := make([]any, len(groups))
	for i, g := range groups {
		numbers[i] = g.n
	}
	text, args := s.in(`s.in_group`, "bigint", numbers)
	c.and(text, args...)
}

// started selects by time and place: what an index of start times is read along by.
func (f Filter) started(c *condition) {
	if f.From != 0 {
		c.and(`s.started >= ?`, f.From)
	}
	if f.To != 0 {
		c.and(`s.started < ?`, f.To)
	}
	if f.After != nil {
		than := `<`
		if f.Oldest {
			than = `>`
		}
		c.and(`(s.started, s.n) `+than+` (?, ?)`, f.After.Started, f.After.N)
	}
}

// Selects says whether a saga is one of those that the filter selects by anything but its search and its page.
func (f Filter) Selects(s *Saga) bool {
	return s.Status != "" && (f.Workflow == "" || f.Workflow == s.Workflow) && (f.Groups == nil || f.Groups(s.Group)) &&
		(f.From == 0 || s.Started >= f.From) && (f.To == 0 || s.Started < f.To) &&
		(f.Late == 0 || s.Overdue || s.Due > 0 && s.Due < f.Late)
}

func (f Filter) order() string {
	if f.Oldest {
		return ` ORDER BY s.started, s.n LIMIT ?`
	}
	return ` ORDER BY s.started DESC, s.n DESC LIMIT ?`
}

// rest is every condition but those of the search by text or header.
func (s *Store) rest(f Filter, groups []counted) (c condition) {
	s.inGroups(&c, groups)
	f.started(&c)
	if f.Late != 0 {
		c.and(`(g.overdue = 1 OR s.due > 0 AND s.due < ?)`, f.Late)
	}
	if f.Cause != "" {
		c.and(`EXISTS (SELECT 1 FROM letter l WHERE l.saga = s.n AND l.cause = ?)`, f.Cause)
	}
	return c
}

// walk reads along the index of start times.
func (s *Store) walk(ctx context.Context, f Filter, groups []counted) ([]*Saga, error) {
	c := s.rest(f, groups)
	return query(ctx, s, scanSaga, selectSagas("saga_started")+c.text+f.order(), append(c.args, f.Limit)...)
}

// merge reads, for each group that the filter selects, the first along the one index that has groups, and merges. So one
// index serves every filter, and none has to read past sagas that it doesn't select.
func (s *Store) merge(ctx context.Context, f Filter, groups []counted) ([]*Saga, error) {
	arms, err := s.arms(ctx, f, groups)
	if err != nil || len(arms) == 0 {
		return nil, err
	}
	selects := make([]string, 0, len(arms))
	var args []any
	for _, arm := range arms {
		selects = append(selects, `SELECT n, started FROM (SELECT s.n, s.started `+arm.text+f.order()+`) AS arm`)
		args = append(append(args, arm.args...), f.Limit)
	}
	return query(ctx, s, scanSaga, selectSagas("")+`s.n IN (SELECT n FROM (`+strings.Join(selects, ` UNION ALL `)+
		strings.ReplaceAll(f.order(), `s.`, ``)+`) AS picks)`+f.order(), append(args, f.Limit, f.Limit)...)
}

// arms are the queries, from their FROM on, that together give all that the filter selects but for its search.
func (s *Store) arms(ctx context.Context, f Filter, groups []counted) (arms []condition, err error) {
	var onTime []counted
	for _, g := range groups {
		if f.Late == 0 || g.Overdue {
			arms = append(arms, s.arm(f, g))
		} else {
			onTime = append(onTime, g)
		}
	}
	if len(onTime) == 0 {
		return arms, nil
	}
	// Few are past their deadline without a note of it: initiators note it as soon as they run.
	late, err := s.atMost(ctx, s.reader, s.few+1, []condition{{`FROM saga s INDEXED BY saga_due WHERE s.due > 0 AND s.due < ?`, []any{f.Late}}})
	switch {
	case err != nil || late == 0:
		return arms, err
	case late <= s.few:
		arm := condition{`FROM saga s INDEXED BY saga_due WHERE s.due > 0 AND s.due < ?`, []any{f.Late}}
		s.inGroups(&arm, onTime)
		f.started(&arm)
		return append(arms, arm), nil
	}
	for _, g := range onTime {
		arm := s.arm(f, g)
		arm.and(`+s.due > 0 AND +s.due < ?`, f.Late) // plus: by no index, there are too many
		arms = append(arms, arm)
	}
	return arms, nil
}

// arm reads along one group.
func (s *Store) arm(f Filter, g counted) condition {
	arm := condition{`FROM saga s INDEXED BY saga_grouped WHERE s.in_group = ?`, []any{g.n}}
	f.started(&arm)
	return arm
}
