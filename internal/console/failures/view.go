package failures

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// state is which letters one looks at: those whose tracker's status is one of Statuses.
type state struct {
	Word, Title string
	Statuses    []string
}

// states are all; the first is what is shown if nobody says.
var states = []state{
	{"open", "Open", []string{tracker.LetterHalted}},
	{"redriven", "Redriven", []string{tracker.LetterRedriven, tracker.LetterAgain, wire.Completed}},
	{"discarded", "Discarded", []string{tracker.LetterTurned, wire.Abandoned, wire.Cancelled, wire.Rejected, wire.Expired}},
	{"loose", "Of no saga", []string{tracker.LetterLoose}},
}

// tabs are what one may look at of a cause; the first is what is shown if nobody says.
var tabs = []string{"error", "event", "letters", "audit"}

const (
	mostGroups = 50 // that a page lists
	mostRows   = 50 // letters of a page
)

var causeKey = regexp.MustCompile(`^[0-9a-f]{12}$`)

// view is what the address of the page says.
type view struct {
	State  state
	Cause  string
	Tab    string
	Cursor string // of the letters

	// Of the stream's address: what the page shows, in this order, so that nothing on it moves.
	Groups []string
	Rows   []tracker.LetterPlace
}

func parseView(query url.Values, live bool) (view, error) {
	v := view{State: states[0], Tab: tabs[0], Cause: query.Get("cause"), Cursor: query.Get("cursor")}
	known := []string{"state", "cause", "tab", "cursor"}
	if live {
		known = append(known, "groups", "rows")
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return v, &problem.Field{Location: "query." + name, Message: "there is no such parameter"}
		}
		if len(values) > 1 {
			return v, &problem.Field{Location: "query." + name, Message: "is given more than once"}
		}
	}
	if word := query.Get("state"); word != "" {
		i := slices.IndexFunc(states, func(s state) bool { return s.Word == word })
		if i < 0 {
			return v, &problem.Field{Location: "query.state", Message: "must be open, redriven, discarded or loose"}
		}
		v.State = states[i]
	}
	if tab := query.Get("tab"); tab != "" {
		if v.Tab = tab; !slices.Contains(tabs, tab) {
			return v, &problem.Field{Location: "query.tab", Message: "must be " + strings.Join(tabs[:len(tabs)-1], ", ") + " or " + tabs[len(tabs)-1]}
		}
	}
	if v.Cause != "" && !causeKey.MatchString(v.Cause) {
		return v, &problem.Field{Location: "query.cause", Message: "must be the key of a cause: 12 digits or letters a to f"}
	}
	if v.Cursor != "" && (v.Tab != "letters" || v.Cause == "") {
		return v, &problem.Field{Location: "query.cursor", Message: "goes with cause and tab=letters"}
	}
	var err error
	if v.Groups, err = parseGroups(query.Get("groups")); err == nil {
		v.Rows, err = parseRows(query.Get("rows"))
	}
	return v, err
}

func parseGroups(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	groups := strings.Split(text, ",")
	if len(groups) > mostGroups || slices.ContainsFunc(groups, func(key string) bool { return !causeKey.MatchString(key) }) {
		return nil, &problem.Field{Location: "query.groups", Message: "must be the keys of the causes that the page lists, 50 at most"}
	}
	return groups, nil
}

// parseRows reads places like 1.17, joined by commas.
func parseRows(text string) (rows []tracker.LetterPlace, err error) {
	if text == "" {
		return nil, nil
	}
	wrong := &problem.Field{Location: "query.rows", Message: "must be the places of the letters that the page lists, like 1.17, 50 at most"}
	for place := range strings.SplitSeq(text, ",") {
		partition, offset, _ := strings.Cut(place, ".")
		p, errP := strconv.ParseInt(partition, 10, 32)
		o, errO := strconv.ParseInt(offset, 10, 64)
		if errP != nil || errO != nil || p < 0 || o < 0 || len(rows) == mostRows {
			return nil, wrong
		}
		rows = append(rows, tracker.LetterPlace{Partition: int32(p), Offset: o})
	}
	return rows, nil
}

// URL is the address of the view.
func (v view) URL() string { return v.at("/failures", v.query()) }

func (v view) at(path string, query url.Values) string {
	if len(query) > 0 {
		return path + "?" + query.Encode()
	}
	return path
}

func (v view) query() url.Values {
	query := url.Values{}
	if v.State.Word != states[0].Word {
		query.Set("state", v.State.Word)
	}
	if v.Cause != "" {
		query.Set("cause", v.Cause)
	}
	if v.Tab != tabs[0] {
		query.Set("tab", v.Tab)
	}
	if v.Cursor != "" {
		query.Set("cursor", v.Cursor)
	}
	return query
}

// LiveURL is where the stream is that keeps a page with these groups and letters up to date.
func (v view) LiveURL(groups []string, rows []letterRow) string {
	query := v.query()
	if len(groups) > 0 {
		query.Set("groups", strings.Join(groups, ","))
	}
	if len(rows) > 0 {
		places := make([]string, len(rows))
		for i, r := range rows {
			places[i] = strconv.Itoa(int(r.Partition)) + "." + strconv.FormatInt(r.Offset, 10)
		}
		query.Set("rows", strings.Join(places, ","))
	}
	return v.at("/failures/live", query)
}

// In is the same kind of view of other letters.
func (v view) In(s state) view { return view{State: s, Tab: tabs[0]} }

// Of is the view of another cause.
func (v view) Of(cause string) view { return view{State: v.State, Cause: cause, Tab: v.Tab} }

// With is the view of the same cause under another tab.
func (v view) With(tab string) view { return view{State: v.State, Cause: v.Cause, Tab: tab} }

// From is the view of the letters from a cursor on; "" is the first page.
func (v view) From(cursor string) view {
	v.Cursor = cursor
	return v
}
