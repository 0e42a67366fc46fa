package tracker

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

const (
	defaultLimit = 50
	maxLimit     = 1000
	maxSearch    = 200 // characters
)

// Statuses lists what a saga's status can be: first those of one that isn't over.
func Statuses() []string {
	return []string{Running, Retrying, Waiting, Halted, Compensating, Blocked, wire.Completed, wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned}
}

// QueryError says which field of a query is wrong, and what is allowed.
type QueryError struct {
	Field   string // limit, status, cursor, search, workflow or since
	Problem string
}

func (e *QueryError) Error() string { return e.Field + ": " + e.Problem }

// filter checks a query and says it in the store's words. One saga more than asked for is read, to know whether there is a
// next page.
func (q Query) filter() (store.Filter, error) {
	f := store.Filter{Workflow: q.Workflow, Status: q.Status, Search: q.Search}
	limit, err := checkLimit(q.Limit)
	if err != nil {
		return f, err
	}
	f.Limit = limit + 1
	if q.Status != "" && !slices.Contains(Statuses(), q.Status) {
		return f, &QueryError{"status", "must be one of " + strings.Join(Statuses(), ", ")}
	}
	if err := checkText("workflow", q.Workflow, maxName); err != nil {
		return f, err
	}
	if err := checkText("search", q.Search, maxSearch); err != nil {
		return f, err
	}
	if n := utf8.RuneCountInString(q.Search); n > 0 && n < store.MinSearch {
		return f, &QueryError{"search", fmt.Sprintf("must have at least %d characters", store.MinSearch)}
	}
	if q.Cursor != "" {
		place, err := decodeCursor(q.Cursor)
		if err != nil {
			return f, err
		}
		f.Before = &place
	}
	return f, nil
}

func checkLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return defaultLimit, nil
	case limit < 0 || limit > maxLimit:
		return 0, &QueryError{"limit", fmt.Sprintf("must be 1 to %d", maxLimit)}
	}
	return limit, nil
}

func checkText(field, value string, most int) error {
	switch {
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return &QueryError{field, "must be text in UTF-8"}
	case utf8.RuneCountInString(value) > most:
		return &QueryError{field, fmt.Sprintf("must have at most %d characters", most)}
	}
	return nil
}

// parseSagaID takes an ID in its canonical form, as people copy it from a page.
func parseSagaID(s string) (store.SagaID, bool) {
	id, err := wire.ParseSagaID(strings.TrimSpace(s))
	if err != nil {
		return store.SagaID{}, false
	}
	return store.SagaID(uuid.MustParse(id)), true
}

func encodeCursor(p store.Place) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Started))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(p.N)))
}

func decodeCursor(s string) (store.Place, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 16 {
		return store.Place{}, &QueryError{"cursor", "isn't one that a page before this one gave as its next"}
	}
	return store.Place{Started: int64(binary.BigEndian.Uint64(b)), N: int64(binary.BigEndian.Uint64(b[8:]))}, nil
}
