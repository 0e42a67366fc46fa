package tracker

import (
	"context"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// mostAudited bounds the entries of the audit; the oldest go.
const mostAudited = 100_000

// AuditEntry is something that somebody asked the console to do, and the answer.
type AuditEntry struct {
	Time   time.Time
	Who    string // the user; without users what the request says; may be empty
	Role   string
	From   string // IP address
	Action string // the API's operation
	About  string // what it was asked for: a saga's ID, a dead letter's place, a service
	Input  string // the rest of what was asked, as JSON, without payloads
	Status int    // of HTTP
	Answer string
}

// AuditPage is one page of the audit, the newest first.
type AuditPage struct {
	Entries []AuditEntry
	Next    string // cursor; empty on the last page
}

// AddAudit adds an entry. Entries are kept for as long as sagas are after their end (Config.KeepFor), at most 100,000. They are no part of
// the log: a tracker that begins anew with the same database keeps them, and with another database they are lost.
func (t *Tracker) AddAudit(ctx context.Context, e AuditEntry) error {
	before := int64(0)
	if t.cfg.KeepFor >= 0 {
		before = e.Time.Add(-t.cfg.KeepFor).UnixNano()
	}
	return t.cfg.Store.AddAudit(ctx, store.AuditEntry{
		At: e.Time.UnixNano(), Who: e.Who, Role: e.Role, From: e.From, Action: e.Action, About: e.About, Input: e.Input, Status: int64(e.Status), Answer: e.Answer,
	}, before, mostAudited)
}

// Audit gives a page of the audit. A limit of 0 is 50; 1,000 is the most.
func (t *Tracker) Audit(ctx context.Context, cursor string, limit int) (AuditPage, error) {
	limit, err := checkLimit(limit)
	if err != nil {
		return AuditPage{}, err
	}
	before := int64(0)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil || before < 1 {
			return AuditPage{}, &QueryError{"cursor", "isn't one that a page gave as its next"}
		}
	}
	rows, err := t.cfg.Store.Audit(ctx, before, limit+1)
	if err != nil {
		return AuditPage{}, err
	}
	page := AuditPage{Entries: make([]AuditEntry, 0, min(len(rows), limit))}
	for i, r := range rows {
		if i == limit {
			page.Next = strconv.FormatInt(rows[i-1].N, 10)
			break
		}
		page.Entries = append(page.Entries, AuditEntry{
			Time: time.Unix(0, r.At), Who: r.Who, Role: r.Role, From: r.From, Action: r.Action, About: r.About, Input: r.Input, Status: int(r.Status), Answer: r.Answer,
		})
	}
	return page, nil
}
