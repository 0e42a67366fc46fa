package onboarding

import (
	"net/url"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
)

// view is what the address of the Onboarding page says: every view is a URL.
type view struct {
	TraceOff bool
	Cleared  time.Time // sagas that were over by then, in the log's time, are hidden
	Mail     string    // the mailbox: "" closed, "open" open, or the number of the mail that is read
}

func parseView(query url.Values) (view, error) {
	v := view{Mail: query.Get("mail")}
	switch trace := query.Get("trace"); trace {
	case "off":
		v.TraceOff = true
	case "", "on":
	default:
		return v, &problem.Field{Location: "query.trace", Message: "on or off is expected"}
	}
	if text := query.Get("cleared"); text != "" {
		cleared, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return v, &problem.Field{Location: "query.cleared", Message: "a time such as 2006-01-02T15:04:05Z is expected"}
		}
		v.Cleared = cleared
	}
	return v, nil
}

// URL is the address of the view.
func (v view) URL() string { return v.at("/") }

// LiveURL is where the stream of the view's patches is. The mailbox isn't part of it.
func (v view) LiveURL() string { return v.Shut().at("/live") }

func (v view) at(path string) string {
	if query := v.query(); len(query) > 0 {
		return path + "?" + query.Encode()
	}
	return path
}

func (v view) query() url.Values {
	query := url.Values{}
	if v.TraceOff {
		query.Set("trace", "off")
	}
	if !v.Cleared.IsZero() {
		query.Set("cleared", v.Cleared.UTC().Format(time.RFC3339Nano))
	}
	if v.Mail != "" {
		query.Set("mail", v.Mail)
	}
	return query
}

// field is a hidden input of a form that leads to a view.
type field struct{ Name, Value string }

// Fields are the view as inputs of a form.
func (v view) Fields() []field {
	query := v.query()
	fields := make([]field, 0, len(query))
	for name, values := range query {
		fields = append(fields, field{name, values[0]})
	}
	return fields
}

// Toggled is the same view with Trace Mode the other way.
func (v view) Toggled() view {
	v.TraceOff = !v.TraceOff
	return v
}

// Unhidden is the same view with nothing cleared away.
func (v view) Unhidden() view { return v.Hiding(time.Time{}) }

// Hiding is the same view without what was over by t; the zero time hides nothing.
func (v view) Hiding(t time.Time) view {
	v.Cleared = t
	return v
}

// Reading is the same view with the mailbox at a mail; 0 is the list alone, as it opens.
func (v view) Reading(number uint64) view {
	v.Mail = "open"
	if number > 0 {
		v.Mail = strconv.FormatUint(number, 10)
	}
	return v
}

// Shut is the same view with the mailbox closed.
func (v view) Shut() view {
	v.Mail = ""
	return v
}
