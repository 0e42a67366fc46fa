package consoletest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// place says where a saga is, as the tracker does.
func place(s *tracker.Saga) {
	s.Service, s.Topic, s.Since = "", "", s.Ended
	if step, ok := s.Current(); ok {
		s.Service, s.Topic, s.Since = step.Service, step.Topic, step.Queued
	}
}

func (f *Tracker) Sagas(_ context.Context, q tracker.Query) (tracker.Page, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.Queries++
	skip := 0
	if q.Cursor != "" {
		var err error
		if skip, err = strconv.Atoi(q.Cursor); err != nil {
			return tracker.Page{}, &tracker.QueryError{Field: "cursor", Problem: "is none that a page gave as next"}
		}
	}
	found, err := f.selected(q)
	if err != nil {
		return tracker.Page{}, err
	}
	var page tracker.Page
	rest := found[min(skip, len(found)):]
	page.Sagas = rest[:min(len(rest), cmp.Or(q.Limit, 50))]
	if len(page.Sagas) < len(rest) {
		page.Next = strconv.Itoa(skip + len(page.Sagas))
	}
	return page, f.Err
}

// selected gives what a query selects, in its order.
func (f *Tracker) selected(q tracker.Query) ([]tracker.Saga, error) {
	if words := append(tracker.Statuses(), tracker.Open, tracker.Ended); q.Status != "" && !slices.Contains(words, q.Status) {
		return nil, &tracker.QueryError{Field: "status", Problem: "must be one of " + strings.Join(words, ", ")}
	}
	if q.Cause != "" && len(q.Cause) != 12 {
		return nil, &tracker.QueryError{Field: "cause", Problem: "must be the key of a cause of dead letters: 12 hexadecimal digits"}
	}
	if q.Search != "" && len(q.Search) < 3 {
		return nil, &tracker.QueryError{Field: "search", Problem: "must have at least 3 characters"}
	}
	all := f.sorted(func(a, b tracker.Saga) int {
		order := cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
		if q.OldestFirst {
			return -order
		}
		return order
	})
	return slices.DeleteFunc(all, func(s tracker.Saga) bool { return !f.selects(q, s) }), nil
}

func (f *Tracker) selects(q tracker.Query, s tracker.Saga) bool {
	status := q.Status == "" || q.Status == s.Status || q.Status == tracker.Open && s.Outcome == "" || q.Status == tracker.Ended && s.Outcome != ""
	text := q.Search == "" || strings.Contains(s.Subject, q.Search) || q.Search == s.ID || slices.Contains(f.Headers[s.ID], q.Search)
	late := !q.Overdue || s.Outcome == "" && (s.Overdue || !s.Deadline.IsZero() && s.Deadline.Before(q.Now))
	cause := q.Cause == "" || slices.ContainsFunc(f.Log, func(l tracker.Letter) bool { return l.Cause == q.Cause && l.SagaID == s.ID })
	return status && text && late && cause && (!q.Stuck || s.Stuck) && (q.Workflow == "" || q.Workflow == s.Workflow) && (q.Service == "" || q.Service == s.Service) &&
		(q.Topic == "" || q.Topic == s.Topic) && (q.StartedAfter.IsZero() || !s.Started.Before(q.StartedAfter)) &&
		(q.StartedBefore.IsZero() || s.Started.Before(q.StartedBefore))
}

func (f *Tracker) Among(_ context.Context, ids []string) ([]tracker.Saga, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	var found []tracker.Saga
	for _, id := range ids {
		if s, ok := f.ByID[id]; ok {
			found = append(found, s)
		}
	}
	return found, f.Err
}

func (f *Tracker) Count(_ context.Context, q tracker.Query) (tracker.Count, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	found, err := f.selected(q)
	return tracker.Count{N: int64(len(found))}, cmp.Or(err, f.Err)
}

// Each leaves out what began after upTo: what has changed since has begun before, as far as the script says.
func (f *Tracker) Each(_ context.Context, q tracker.Query, upTo int64, yield func(tracker.Saga) bool) error {
	f.Mu.Lock()
	found, err := f.selected(q)
	began := f.Began
	f.Mu.Unlock()
	for _, s := range found {
		if began[s.ID] <= upTo && !yield(s) {
			break
		}
	}
	return cmp.Or(err, f.Err)
}

func (f *Tracker) Outcomes(_ context.Context, since time.Time) ([]tracker.MinuteOutcomes, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	byMinute := map[time.Time]tracker.MinuteOutcomes{}
	for _, s := range f.ByID {
		if s.Outcome == "" || s.Ended.Before(since.Truncate(time.Minute)) {
			continue
		}
		at := s.Ended.UTC().Truncate(time.Minute)
		m := byMinute[at]
		if m.At = at; s.Outcome == wire.Completed {
			m.Completed++
		} else {
			m.Otherwise++
		}
		byMinute[at] = m
	}
	minutes := make([]tracker.MinuteOutcomes, 0, len(byMinute))
	for _, m := range byMinute {
		minutes = append(minutes, m)
	}
	slices.SortFunc(minutes, func(a, b tracker.MinuteOutcomes) int { return a.At.Compare(b.At) })
	return minutes, f.Err
}
