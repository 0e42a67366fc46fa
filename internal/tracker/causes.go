package tracker

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// Cause is a group of dead letters that were likely made for the same reason: one step, one class, one error.
type Cause struct {
	Key                                        string
	Service, Step, Class                       string
	Error                                      string // of the newest
	Letters, Halted, Redriven, Completed, Rest int64  // Letters is the sum of the others, by status
	First, Last                                time.Time
	ByStatus                                   map[string]int64 // letters, by each of LetterStatuses that there is
}

// CauseQuery selects causes; its zero value selects all.
type CauseQuery struct {
	Key      string   // only this one
	Statuses []string // only those with a letter of one of these statuses
	Limit    int      // 1 to 200; 0 means 200
}

// maxCauses is how many groups are listed: those that ask for a person first, of these the newest.
const maxCauses = 200

// Causes groups dead letters; total is how many groups the query selects.
func (t *Tracker) Causes(ctx context.Context, q CauseQuery) (causes []Cause, total int, err error) {
	if err := checkText("cause", q.Key, maxName); err != nil {
		return nil, 0, err
	}
	counts, err := t.cfg.Store.Causes(ctx, q.Key)
	if err != nil {
		return nil, 0, err
	}
	causes = slices.DeleteFunc(group(counts), func(c Cause) bool {
		return len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, func(status string) bool { return c.ByStatus[status] > 0 })
	})
	total = len(causes)
	causes = causes[:min(total, cmp.Or(q.Limit, maxCauses), maxCauses)]
	for i := range causes {
		newest, err := t.cfg.Store.Letters(ctx, store.LetterFilter{Cause: causes[i].Key, Limit: 1})
		if err != nil {
			return nil, 0, err
		}
		if len(newest) > 0 {
			l := newest[0]
			causes[i].Service, causes[i].Step, causes[i].Class, causes[i].Error = l.Service, l.Step, l.Class, l.Error
		}
	}
	return causes, total, nil
}

func group(counts []store.CauseCount) []Cause {
	groups := map[string]*Cause{}
	for _, n := range counts {
		c := groups[n.Cause]
		if c == nil {
			c = &Cause{Key: n.Cause, First: at(n.First), Last: at(n.Last), ByStatus: map[string]int64{}}
			groups[n.Cause] = c
		}
		if first := at(n.First); first.Before(c.First) {
			c.First = first
		}
		if last := at(n.Last); last.After(c.Last) {
			c.Last = last
		}
		c.Letters += n.Letters
		c.ByStatus[n.Status] += n.Letters
		switch n.Status {
		case LetterHalted:
			c.Halted += n.Letters
		case LetterRedriven:
			c.Redriven += n.Letters
		case wire.Completed:
			c.Completed += n.Letters
		default:
			c.Rest += n.Letters
		}
	}
	all := make([]Cause, 0, len(groups))
	for _, c := range groups {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(min(b.Halted, 1), min(a.Halted, 1)), b.Last.Compare(a.Last), strings.Compare(a.Key, b.Key))
	})
	return all
}

// LetterCounts counts all dead letters by status.
func (t *Tracker) LetterCounts(ctx context.Context) (map[string]int64, error) {
	rows, err := t.cfg.Store.LetterCounts(ctx)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64, len(rows))
	for _, r := range rows {
		counts[r.Status] = r.Letters
	}
	return counts, nil
}

// LetterSpans counts the dead letters of causes in n spans of time, each of that length, the first of which begins at since; by cause, the
// oldest span first. What was written after the last span counts to it, as clocks may be ahead.
func (t *Tracker) LetterSpans(ctx context.Context, causes []string, since time.Time, length time.Duration, n int) (map[string][]int64, error) {
	rows, err := t.cfg.Store.LetterSpans(ctx, causes, since.UnixNano(), int64(length))
	if err != nil {
		return nil, err
	}
	spans := make(map[string][]int64, len(causes))
	for _, c := range causes {
		spans[c] = make([]int64, n)
	}
	for _, r := range rows {
		spans[r.Cause][min(r.Span, int64(n-1))] += r.Letters
	}
	return spans, nil
}
