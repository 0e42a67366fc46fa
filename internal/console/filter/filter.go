// Package filter is how sagas are chosen from many: by the same names in the address of a page, in the parameters of the API, and in
// what is asked of many sagas at once. Start reading at Sagas.
//
//nolint:tagalign // a field's name comes first, its description last
package filter

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

// Sagas says which sagas are meant: those for which all of it holds. The zero value means all.
type Sagas struct {
	Workflow      string    `query:"workflow" json:"workflow,omitempty" doc:"Only sagas of this workflow"`
	Status        string    `query:"status" json:"status,omitempty" doc:"Only sagas with this status: running, retrying, waiting, halted, compensating, blocked; an outcome such as completed; open for all that aren't over, or ended" example:"halted"`
	Service       string    `query:"service" json:"service,omitempty" doc:"Only sagas that are with this service now"`
	Topic         string    `query:"topic" json:"topic,omitempty" doc:"Only sagas whose current step reads this topic"`
	Search        string    `query:"q" json:"q,omitempty" doc:"Only sagas whose business key contains this, in upper or lower case; or the saga with this ID; or those with an event that has this header, as name=value: ce_id, traceparent, trace, or one that is neither CloudEvents' nor Skald's" example:"tenant=acme"`
	Cause         string    `query:"cause" json:"cause,omitempty" doc:"Only sagas with a dead letter of this cause, as /api/v1/causes names it, whatever became of it" example:"3fa9c01b77de"`
	OlderThan     string    `query:"older_than" json:"older_than,omitempty" doc:"Only sagas that began longer ago: a duration such as 10s, 1h30m or 7d" example:"10m"`
	YoungerThan   string    `query:"younger_than" json:"younger_than,omitempty" doc:"Only sagas that began less long ago" example:"24h"`
	StartedAfter  time.Time `query:"started_after" json:"started_after,omitzero" doc:"Only sagas that began then or later"`
	StartedBefore time.Time `query:"started_before" json:"started_before,omitzero" doc:"Only sagas that began earlier"`
	Overdue       bool      `query:"overdue" json:"overdue,omitempty" doc:"Only sagas that aren't over and past their deadline"`
	Stuck         bool      `query:"stuck" json:"stuck,omitempty" doc:"Only sagas that are in their step for far longer than is usual there"`
}

// Field is one filter that is on, as the address of a page has it.
type Field struct{ Name, Value string }

// Fields are the filters that are on.
func (f Sagas) Fields() []Field {
	var on []Field
	add := func(name, value string) {
		if value != "" {
			on = append(on, Field{name, value})
		}
	}
	add("workflow", f.Workflow)
	add("status", f.Status)
	add("service", f.Service)
	add("topic", f.Topic)
	add("cause", f.Cause)
	add("older_than", f.OlderThan)
	add("younger_than", f.YoungerThan)
	add("started_after", stamp(f.StartedAfter))
	add("started_before", stamp(f.StartedBefore))
	if f.Overdue {
		add("overdue", "true")
	}
	if f.Stuck {
		add("stuck", "true")
	}
	add("q", f.Search)
	return on
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Without is the filter with one field off.
func (f Sagas) Without(name string) Sagas {
	if field, ok := f.texts()[name]; ok {
		*field = ""
	}
	switch name {
	case "started_after":
		f.StartedAfter = time.Time{}
	case "started_before":
		f.StartedBefore = time.Time{}
	case "overdue":
		f.Overdue = false
	case "stuck":
		f.Stuck = false
	}
	return f
}

func (f *Sagas) texts() map[string]*string {
	return map[string]*string{
		"workflow": &f.Workflow, "status": &f.Status, "service": &f.Service, "topic": &f.Topic, "cause": &f.Cause, "q": &f.Search,
		"older_than": &f.OlderThan, "younger_than": &f.YoungerThan,
	}
}

// Parse reads the filter from an address, and leaves other parameters to the caller: their names must be among also. An unknown one, one that
// is there twice, or one that can't be is a *[problem.Field].
func Parse(query url.Values, also ...string) (f Sagas, err error) {
	texts := f.texts()
	for name, values := range query {
		bad := func(message string) (Sagas, error) {
			return f, &problem.Field{Location: "query." + name, Message: message}
		}
		value := values[0]
		field, isText := texts[name]
		var wrong error
		switch {
		case len(values) > 1:
			return bad("must be there once")
		case isText:
			*field = strings.TrimSpace(value)
		case name == "started_after" && value != "":
			f.StartedAfter, wrong = time.Parse(time.RFC3339Nano, value)
		case name == "started_before" && value != "":
			f.StartedBefore, wrong = time.Parse(time.RFC3339Nano, value)
		case (name == "overdue" || name == "stuck") && value != "":
			on := &f.Overdue
			if name == "stuck" {
				on = &f.Stuck
			}
			if *on, wrong = strconv.ParseBool(value); wrong != nil {
				return bad("must be true or false")
			}
		case name != "started_after" && name != "started_before" && name != "overdue" && name != "stuck" && !slices.Contains(also, name):
			return bad("there is no such parameter")
		}
		if wrong != nil {
			return bad("a time such as 2006-01-02T15:04:05Z is expected")
		}
	}
	_, err = f.Query(time.Now())
	return f, err
}

// Moves says whether what the filter means changes with the clock.
func (f Sagas) Moves() bool { return f.OlderThan != "" || f.YoungerThan != "" || f.Overdue || f.Stuck }

// Query is the filter as the tracker is asked, as of now. An age that can't be is a *[problem.Field].
func (f Sagas) Query(now time.Time) (tracker.Query, error) {
	q := tracker.Query{
		Workflow: f.Workflow, Status: f.Status, Service: f.Service, Topic: f.Topic, Cause: f.Cause, Search: f.Search, Overdue: f.Overdue, Stuck: f.Stuck, Now: now,
		StartedAfter: f.StartedAfter, StartedBefore: f.StartedBefore, WithoutPayloads: true,
	}
	if f.OlderThan != "" {
		age, err := ParseAge("older_than", f.OlderThan)
		if err != nil {
			return q, err
		}
		if before := now.Add(-age); q.StartedBefore.IsZero() || before.Before(q.StartedBefore) {
			q.StartedBefore = before
		}
	}
	if f.YoungerThan != "" {
		age, err := ParseAge("younger_than", f.YoungerThan)
		if err != nil {
			return q, err
		}
		if after := now.Add(-age); after.After(q.StartedAfter) {
			q.StartedAfter = after
		}
	}
	return q, nil
}

const (
	day     = 24 * time.Hour
	mostAge = 10 * 365 * day
)

// ParseAge reads a duration, in which days may be written, too.
func ParseAge(name, text string) (time.Duration, error) {
	var whole time.Duration
	rest := text
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > int(mostAge/day) {
			return 0, badAge(name)
		}
		whole, rest = time.Duration(n)*day, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return 0, badAge(name)
		}
		whole += d
	}
	if whole <= 0 || whole > mostAge {
		return 0, badAge(name)
	}
	return whole, nil
}

func badAge(name string) error {
	return &problem.Field{Location: "query." + name, Message: "a duration is expected, such as 10s, 1h30m or 7d, of ten years at most"}
}

// Matches says whether a saga is still meant. What is searched for, and the cause of a letter, don't go from a saga, so they aren't looked at.
func (f Sagas) Matches(s *tracker.Saga, now time.Time) bool {
	q, err := f.Query(now)
	if err != nil {
		return false
	}
	switch f.Status {
	case "":
	case tracker.Open:
		if s.Outcome != "" {
			return false
		}
	case tracker.Ended:
		if s.Outcome == "" {
			return false
		}
	default:
		if f.Status != s.Status {
			return false
		}
	}
	return (f.Workflow == "" || f.Workflow == s.Workflow) && (f.Service == "" || f.Service == s.Service) && (f.Topic == "" || f.Topic == s.Topic) &&
		(q.StartedAfter.IsZero() || !s.Started.Before(q.StartedAfter)) && (q.StartedBefore.IsZero() || s.Started.Before(q.StartedBefore)) &&
		(!f.Overdue || Overdue(s, now)) && (!f.Stuck || s.Stuck)
}

// Overdue says whether a saga that isn't over is past its deadline.
func Overdue(s *tracker.Saga, now time.Time) bool {
	return s.Outcome == "" && (s.Overdue || !s.Deadline.IsZero() && s.Deadline.Before(now))
}

// String says the filter as a person would, for logs.
func (f Sagas) String() string {
	parts := make([]string, 0, len(f.Fields()))
	for _, on := range f.Fields() {
		parts = append(parts, fmt.Sprintf("%s=%q", on.Name, on.Value))
	}
	return strings.Join(parts, " ")
}

// Cancellable says whether a saga could still be cancelled: it isn't over, and nobody has decided on its end.
func Cancellable(s *tracker.Saga) bool {
	return s.Outcome == "" && s.Ending == "" && s.Status != tracker.Compensating
}

// Redrivable says whether a dead letter halts a saga on whose end nobody has decided.
func Redrivable(s *tracker.Saga) bool {
	step, ok := s.Current()
	return ok && s.Ending == "" && step.State == tracker.StepHalted && step.Letter != nil && !step.Undo
}
