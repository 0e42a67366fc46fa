package sagas

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/filter"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/tracker"
)

// rowsOfPage is how many sagas a page lists.
const rowsOfPage = 50

// view is what the address of the page says: every view is a URL.
type view struct {
	filter.Sagas
	Oldest bool
	Cursor string // the next of the page before
	From   int    // number of the page's first row
}

func parseView(query url.Values, also ...string) (v view, err error) {
	if v.Sagas, err = filter.Parse(query, append(also, "order", "cursor", "from")...); err != nil {
		return v, err
	}
	switch query.Get("order") {
	case "oldest":
		v.Oldest = true
	case "", "youngest":
	default:
		return v, &problem.Field{Location: "query.order", Message: "must be oldest or youngest"}
	}
	v.Cursor, v.From = query.Get("cursor"), 1
	if text := query.Get("from"); text != "" {
		if v.From, err = strconv.Atoi(text); err != nil {
			v.From = 0
		}
	}
	if v.From < 1 || (v.From > 1) != (v.Cursor != "") {
		return v, &problem.Field{Location: "query.from", Message: "must be the number of the first row, together with cursor"}
	}
	return v, nil
}

// Query is what the tracker is asked for the page.
func (v view) query(now time.Time) (tracker.Query, error) {
	q, err := v.Query(now)
	q.OldestFirst, q.Cursor, q.Limit = v.Oldest, v.Cursor, rowsOfPage
	return q, err
}

func (v view) values() url.Values {
	query := url.Values{}
	for _, f := range v.Fields() {
		query.Set(f.Name, f.Value)
	}
	if v.Oldest {
		query.Set("order", "oldest")
	}
	if v.Cursor != "" {
		query.Set("cursor", v.Cursor)
		query.Set("from", strconv.Itoa(v.From))
	}
	return query
}

func at(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// URL is the address of the view.
func (v view) URL() string { return at("/sagas", v.values()) }

// Export is where all that the view selects is had as a file.
func (v view) Export(format string) string {
	query := v.first().values()
	query.Set("format", format)
	return at("/api/v1/sagas/export", query)
}

// live is where the stream of the view is, for a page that lists these sagas.
func (v view) live(rows []row) string {
	query := v.values()
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	query.Set("rows", strings.Join(ids, ","))
	return at("/sagas/live", query)
}

// first is the view's first page.
func (v view) first() view {
	v.Cursor, v.From = "", 1
	return v
}

// with is the first page with another filter.
func (v view) with(f filter.Sagas) view {
	v.Sagas = f
	return v.first()
}

// Turned is the view in the other order.
func (v view) Turned() string {
	v.Oldest = !v.Oldest
	return v.first().URL()
}

// JSON is the filter as the API takes it for many sagas.
func (v view) JSON() (string, error) {
	text, err := json.Marshal(v.Sagas)
	return string(text), err
}

// All is the view without any filter.
func (v view) All() string { return v.with(filter.Sagas{}).URL() }

// Of is the view of one status; of none, if that is shown already.
func (v view) Of(status string) string {
	f := v.Sagas
	if f.Status == status {
		status = ""
	}
	f.Status = status
	return v.with(f).URL()
}

// Late is the view of what is overdue.
func (v view) Late() string {
	f := v.Sagas
	f.Overdue, f.Status = true, ""
	return v.with(f).URL()
}

// Slow is the view of what is stuck.
func (v view) Slow() string {
	f := v.Sagas
	f.Stuck, f.Status = true, ""
	return v.with(f).URL()
}

// Lately is the view of the last while; "" is of all times.
func (v view) Lately(age string) string {
	f := v.Sagas
	f.YoungerThan = age
	return v.with(f).URL()
}

// hidden are the parameters of the view as inputs of a form that sets the named ones.
func (v view) hidden(names ...string) []filter.Field {
	var rest []filter.Field
	for name, values := range v.first().values() {
		if !slices.Contains(names, name) {
			rest = append(rest, filter.Field{Name: name, Value: values[0]})
		}
	}
	return rest
}

// SearchFields are the inputs of the search beside its own.
func (v view) SearchFields() []filter.Field { return v.hidden("q") }

// FilterFields are the inputs of the form of filters beside its own.
func (v view) FilterFields() []filter.Field {
	return v.hidden("workflow", "status", "service", "topic", "older_than", "overdue", "stuck")
}

// words of filters, as their chips say them.
var chipNames = map[string]string{
	"workflow": "workflow", "status": "status", "service": "at", "topic": "reads", "cause": "failed by", "older_than": "age", "younger_than": "began",
	"started_after": "began after", "started_before": "began before", "overdue": "deadline", "stuck": "step", "q": "search",
}

// chips say which filters are on; cause is how a person says the one of dead letters.
func (v view) chips(cause string) []shell.Chip {
	var chips []shell.Chip
	for _, f := range v.Fields() {
		value := f.Value
		switch f.Name {
		case "status":
			value = v.StatusWords(value)
		case "cause":
			value = cause
		case "older_than":
			value = "over " + value
		case "younger_than":
			value = "in the last " + value
		case "overdue":
			value = "passed"
		case "stuck":
			value = "slower than usual"
		}
		chips = append(chips, shell.Chip{Name: chipNames[f.Name], Value: value, Without: v.with(v.Without(f.Name)).URL()})
	}
	return chips
}

// StatusWords says a group of statuses in words; a status as it is.
func (v view) StatusWords(status string) string {
	switch status {
	case tracker.Open:
		return "on the way"
	case tracker.Ended:
		return "over"
	}
	return status
}
