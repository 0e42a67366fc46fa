package consoletest

import (
	"cmp"
	"context"
	"slices"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func (f *Tracker) Letters(_ context.Context, q tracker.LetterQuery) (tracker.LetterPage, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if q.Status != "" && !slices.Contains(tracker.LetterStatuses(), q.Status) {
		return tracker.LetterPage{}, &tracker.QueryError{Field: "status", Problem: "is none"}
	}
	var page tracker.LetterPage
	for _, l := range f.Log {
		if (q.Cause == "" || q.Cause == l.Cause) && (q.Status == "" || q.Status == l.Status) && len(page.Letters) < cmp.Or(q.Limit, 50) {
			page.Letters = append(page.Letters, l)
		}
	}
	if !q.Oldest {
		slices.Reverse(page.Letters)
	}
	return page, f.Err
}

func (f *Tracker) Letter(_ context.Context, partition int32, offset int64) (tracker.Letter, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, l := range f.Log {
		if l.Partition == partition && l.Offset == offset {
			return l, f.Err
		}
	}
	return tracker.Letter{}, tracker.ErrNoLetter
}

func (f *Tracker) Causes(context.Context) ([]tracker.Cause, int, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	var causes []tracker.Cause
	for _, l := range f.Log {
		i := slices.IndexFunc(causes, func(c tracker.Cause) bool { return c.Key == l.Cause })
		if i < 0 {
			i = len(causes)
			causes = append(causes, tracker.Cause{Key: l.Cause, Service: l.Service, Step: l.Step, Class: l.Class, Error: l.Error, First: l.Time})
		}
		causes[i].Letters++
		causes[i].Last = l.Time
		switch l.Status {
		case tracker.LetterHalted:
			causes[i].Halted++
		case wire.Completed:
			causes[i].Completed++
		default:
			causes[i].Rest++
		}
	}
	return causes, len(causes), f.Err
}

func (f *Tracker) Initiator(workflow string) string {
	if workflow == "onboarding" {
		return "provisioner"
	}
	return ""
}
