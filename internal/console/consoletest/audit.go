package consoletest

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/skald-saga/skald/internal/tracker"
)

func (f *Tracker) AddAudit(_ context.Context, e tracker.AuditEntry) error {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if f.Err == nil {
		f.Audited = append(f.Audited, e)
	}
	return f.Err
}

func (f *Tracker) Audit(_ context.Context, cursor string, limit int) (page tracker.AuditPage, err error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	at := len(f.Audited)
	if cursor != "" {
		if at, err = strconv.Atoi(cursor); err != nil || at < 1 || at > len(f.Audited) {
			return page, &tracker.QueryError{Field: "cursor", Problem: "isn't one that a page gave as its next"}
		}
	}
	page.Entries = slices.Clone(f.Audited[max(0, at-cmp.Or(limit, 50)):at])
	slices.Reverse(page.Entries)
	if left := at - len(page.Entries); left > 0 {
		page.Next = strconv.Itoa(left)
	}
	return page, f.Err
}
