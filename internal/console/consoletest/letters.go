package consoletest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func (f *Tracker) Letters(_ context.Context, q tracker.LetterQuery) (tracker.LetterPage, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if q.Status != "" && !slices.Contains(tracker.LetterStatuses(), q.Status) {
		return tracker.LetterPage{}, &tracker.QueryError{Field: "status", Problem: "is none"}
	}
	log := slices.Clone(f.Log)
	if !q.Oldest {
		slices.Reverse(log)
	}
	skip := 0
	if q.Cursor != "" {
		var err error
		if skip, err = strconv.Atoi(q.Cursor); err != nil {
			return tracker.LetterPage{}, &tracker.QueryError{Field: "cursor", Problem: "isn't one that a page before this one gave as its next"}
		}
	}
	var page tracker.LetterPage
	for i, l := range log {
		switch {
		case i < skip || q.Cause != "" && q.Cause != l.Cause || q.Status != "" && q.Status != l.Status:
		case len(page.Letters) < cmp.Or(q.Limit, 50):
			page.Letters = append(page.Letters, l)
		case page.Next == "":
			page.Next = strconv.Itoa(i)
		}
	}
	return page, f.Err
}

func (f *Tracker) Letter(_ context.Context, partition int32, offset int64) (tracker.Letter, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if l := f.letter(partition, offset); l != nil {
		return *l, f.Err
	}
	return tracker.Letter{}, tracker.ErrNoLetter
}

func (f *Tracker) letter(partition int32, offset int64) *tracker.Letter {
	for i := range f.Log {
		if f.Log[i].Partition == partition && f.Log[i].Offset == offset {
			return &f.Log[i]
		}
	}
	return nil
}

func (f *Tracker) LettersAt(_ context.Context, places []tracker.LetterPlace) (found []tracker.Letter, err error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, p := range places {
		if l := f.letter(p.Partition, p.Offset); l != nil {
			found = append(found, *l)
		}
	}
	return found, f.Err
}

// LettersBecome gives dead letters of partition 1 another status.
func (f *Tracker) LettersBecome(status string, offsets ...int64) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, offset := range offsets {
		f.letter(1, offset).Status = status
	}
	f.Seq++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Tracker) Causes(_ context.Context, q tracker.CauseQuery) (causes []tracker.Cause, total int, err error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, l := range f.Log {
		i := slices.IndexFunc(causes, func(c tracker.Cause) bool { return c.Key == l.Cause })
		if i < 0 {
			i = len(causes)
			causes = append(causes, tracker.Cause{Key: l.Cause, Service: l.Service, Step: l.Step, Class: l.Class, First: l.Time, ByStatus: map[string]int64{}})
		}
		c := &causes[i]
		c.Letters++
		c.ByStatus[l.Status]++
		c.Last, c.Error = l.Time, l.Error
		switch l.Status {
		case tracker.LetterHalted:
			c.Halted++
		case tracker.LetterRedriven:
			c.Redriven++
		case wire.Completed:
			c.Completed++
		default:
			c.Rest++
		}
	}
	causes = slices.DeleteFunc(causes, func(c tracker.Cause) bool {
		return q.Key != "" && q.Key != c.Key ||
			len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, func(status string) bool { return c.ByStatus[status] > 0 })
	})
	slices.SortStableFunc(causes, func(a, b tracker.Cause) int {
		return cmp.Or(cmp.Compare(min(b.Halted, 1), min(a.Halted, 1)), b.Last.Compare(a.Last))
	})
	return causes[:min(len(causes), cmp.Or(q.Limit, 200))], len(causes), f.Err
}

func (f *Tracker) LetterCounts(context.Context) (map[string]int64, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	counts := map[string]int64{}
	for _, l := range f.Log {
		counts[l.Status]++
	}
	return counts, f.Err
}

func (f *Tracker) LetterSpans(_ context.Context, causes []string, since time.Time, length time.Duration, n int) (map[string][]int64, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	spans := map[string][]int64{}
	for _, c := range causes {
		spans[c] = make([]int64, n)
	}
	for _, l := range f.Log {
		if span := l.Time.Sub(since) / length; spans[l.Cause] != nil && !l.Time.Before(since) {
			spans[l.Cause][min(int(span), n-1)]++
		}
	}
	return spans, f.Err
}

func (f *Tracker) Initiator(workflow string) string {
	if workflow == "onboarding" {
		return "provisioner"
	}
	return ""
}
