package tracker

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
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

var causeKey = regexp.MustCompile(`^[0-9a-f]{12}$`)

// QueryError says which field of a query is wrong, and what is allowed.
type QueryError struct {
	Field   string // limit, status, cursor, search, workflow, service, topic, cause, startedAfter, startedBefore or since
	Problem string
}

func (e *QueryError) Error() string { return e.Field + ": " + e.Problem }

// filter checks a query and says it in the store's words. One saga more than asked for is read, to know whether there is a
// next page.
func (q Query) filter(declared declarations) (store.Filter, error) {
	f := store.Filter{Workflow: q.Workflow, Groups: q.groups(declared), From: nanos(q.StartedAfter), To: nanos(q.StartedBefore), Oldest: q.OldestFirst}
	limit, err := checkLimit(q.Limit)
	if err != nil {
		return f, err
	}
	f.Limit = limit + 1
	if words := append(Statuses(), Open, Ended); q.Status != "" && !slices.Contains(words, q.Status) {
		return f, &QueryError{"status", "must be one of " + strings.Join(words, ", ")}
	}
	for _, named := range []struct{ field, value string }{{"workflow", q.Workflow}, {"service", q.Service}, {"topic", q.Topic}} {
		if err := checkText(named.field, named.value, maxName); err != nil {
			return f, err
		}
	}
	if q.Cause != "" && !causeKey.MatchString(q.Cause) {
		return f, &QueryError{"cause", "must be the key of a cause of dead letters: 12 hexadecimal digits"}
	}
	f.Cause = q.Cause
	if err := checkTime("startedAfter", q.StartedAfter); err != nil {
		return f, err
	}
	if err := checkTime("startedBefore", q.StartedBefore); err != nil {
		return f, err
	}
	if q.Overdue {
		if f.Late = nanos(q.Now); q.Now.IsZero() {
			f.Late = time.Now().UnixNano()
		}
	}
	if err := q.search(&f); err != nil {
		return f, err
	}
	if q.Cursor != "" {
		place, err := q.decodeCursor()
		if err != nil {
			return f, err
		}
		f.After = &place
	}
	return f, nil
}

// groups says which groups of sagas are asked for; nil means all. Who takes an event that no service has said anything of yet is known
// from the declarations.
func (q Query) groups(declared declarations) func(store.Group) bool {
	if q.Status == "" && q.Service == "" && q.Topic == "" && !q.Overdue {
		return nil
	}
	return func(g store.Group) bool {
		if q.Overdue && isOutcome(g.Status) {
			return false
		}
		if q.Topic != "" && q.Topic != g.Topic || q.Service != "" && q.Service != g.Service && (g.Service != "" || g.Topic == "" ||
			q.Service != declared.takes(g.Topic, g.Workflow)) {
			return false
		}
		switch q.Status {
		case "":
			return true
		case Open, Ended:
			return isOutcome(g.Status) == (q.Status == Ended)
		}
		return q.Status == g.Status
	}
}

func (q Query) search(f *store.Filter) error {
	if err := checkText("search", q.Search, maxSearch); err != nil {
		return err
	}
	hash, err := searchedHeader(q.Search)
	if err != nil || hash != nil {
		f.Header = hash
		return err
	}
	if n := utf8.RuneCountInString(q.Search); n > 0 && n < store.MinSearch {
		return &QueryError{"search", fmt.Sprintf("must have at least %d characters", store.MinSearch)}
	}
	f.Search = q.Search
	return nil
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

func checkTime(field string, t time.Time) error {
	if !t.IsZero() && nanos(t) == 0 {
		return &QueryError{field, "must be of the years 1970 to 2200"}
	}
	return nil
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
