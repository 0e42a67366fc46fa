package saga

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// perPage is how many records are listed at once.
const perPage = 100

// eventList is the saga's records, or a part of them.
type eventList struct {
	Count string
	Rows  []row
	Total int
	First int // of those listed, counted from 1
	Last  int
	Prev  string // address of the part before; empty if there is none
	Next  string
	Gone  string // the record that was to be open, if the saga has none there
}

// row is one record.
type row struct {
	After, Title string
	Topic        string
	What, Strong string
	Class        string
	Where        string
	URL          string // of the view in which it is open, or shut if it is
	Open         *opened
	ID           string
}

// opened is a record with all that is in it.
type opened struct {
	Size    string
	Code    *shell.Code
	Kind    string
	Whole   string // address of the payload as it was sent
	TooLong bool
	Headers []headerRow
}

type headerRow struct{ Name, Value, URL string }

func (s *story) list(v view) eventList {
	l := eventList{Total: len(s.events), First: v.From}
	open := -1
	for i := range s.events {
		if placeOf(&s.events[i]) == v.Event {
			open = i
		}
	}
	switch {
	case l.First == 0 && open >= 0:
		l.First = open/perPage*perPage + 1
	case l.First == 0:
		l.First = max(1, l.Total-perPage+1)
	}
	l.First = min(l.First, max(1, l.Total))
	l.Last = min(l.Total, l.First+perPage-1)
	if v.Event.Topic != "" && open < 0 {
		l.Gone = v.Event.String()
	}
	if l.First > 1 {
		l.Prev = v.Opening(place{}).Listing(max(1, l.First-perPage)).URL()
	}
	if l.Last < l.Total {
		l.Next = v.Opening(place{}).Listing(l.Last + 1).URL()
	}
	entries := 0
	for i := range s.events {
		if strings.HasSuffix(s.events[i].Topic, ".ledger") {
			entries++
		}
	}
	l.Count = words.Plural(l.Total-entries, "event")
	if entries == 1 {
		l.Count += ", 1 ledger entry"
	} else if entries > 1 {
		l.Count += ", " + words.Thousands(entries) + " ledger entries"
	}
	begun := s.begun()
	for i := l.First - 1; i < l.Last; i++ {
		l.Rows = append(l.Rows, s.row(i, v, begun, i == open))
	}
	return l
}

// begun is what times are counted from.
func (s *story) begun() time.Time {
	if !s.saga.Started.IsZero() || len(s.events) == 0 {
		return s.saga.Started
	}
	return s.events[0].Time
}

func placeOf(e *tracker.Event) place { return place{e.Topic, e.Partition, e.Offset} }

func (s *story) row(i int, v view, begun time.Time, open bool) row {
	e := &s.events[i]
	r := row{
		After: after(e.Time, begun), Title: exact(e.Time), Topic: strings.TrimPrefix(e.Topic, "skald."), ID: "event-" + placeOf(e).String(),
		Where: fmt.Sprintf("partition %d · %s", e.Partition, words.Thousands(e.Offset)), URL: v.Opening(placeOf(e)).URL(),
	}
	r.tell(e)
	if open {
		r.URL, r.Open = v.Opening(place{}).URL(), s.open(e, v)
	}
	return r
}

// tell says in a line what a record is.
func (r *row) tell(e *tracker.Event) {
	by := ", from " + printable(clip(e.Source))
	if service := wire.ServiceOf(e.Source); service != "" {
		by = ", by " + service
	}
	switch l, isNote := note(e); {
	case e.Type == tracker.CommandType:
		c, _ := command(e) // what can't be read is in the payload
		edited := ""
		if c.Edited {
			edited = " with another payload"
		}
		r.Strong, r.Class, r.What = c.Kind, "asked", edited+" asked by "+printable(clip(cmp.Or(c.By, "somebody")))
		if c.Decision != "" {
			r.What = " as " + c.Decision + r.What
		}
		if c.Reason != "" {
			r.What += ": " + printable(clip(c.Reason))
		}
	case isNote && e.Type == tracker.AttemptType:
		r.Class, r.What = "retrying", fmt.Sprintf("attempt %d failed: %s", l.Attempt, printable(clip(l.Error)))
		if l.Undo {
			r.What = "undo, " + r.What
		}
		switch {
		case l.Kind == wire.KindBlocked:
			r.Class, r.Where = "blocked", "waits for a person"
		case l.Due.After(e.Time):
			r.Where = "next try after " + words.Lasted(l.Due.Sub(e.Time))
		}
	case isNote && l.Answer != "":
		r.Strong, r.What = l.Answer, by+": "+printable(clip(l.Reason))
	case isNote:
		r.What = printable(clip(cmp.Or(l.Reason, l.State))) + by
	case header(e, wire.LetterService) != "":
		r.Class = "halted"
		r.What = "dead letter of " + printable(header(e, wire.LetterService)) + ", " + printable(header(e, wire.LetterClass)) + ": " + printable(clip(header(e, wire.LetterError)))
	case e.Type == wire.UndoType:
		turn, _ := wire.DecodeTurn(e.Payload)
		r.Class, r.What = "compensating", "to be undone"+by
		if turn.Reason != "" {
			r.What += ": " + printable(clip(turn.Reason))
		}
	case e.Type == wire.OutcomeType:
		o, _ := wire.DecodeOutcome(e.Payload)
		r.Strong, r.What = o.Outcome, by
	default:
		r.What = printable(clip(cmp.Or(e.Type, "an event without a type"))) + by
	}
}

func (s *story) open(e *tracker.Event, v view) *opened {
	o := &opened{Size: words.Plural(e.Size, "byte"), Whole: "/api/v1/sagas/" + v.ID + "/events/" + placeOf(e).String() + "/payload"}
	if o.TooLong = e.Payload == nil && e.Size > 0; !o.TooLong {
		o.Code = shell.NewCode("Payload", e.Payload)
		o.Kind = o.Code.Kind
	}
	const mostHeaders = 100
	for i, h := range e.Headers {
		if i == mostHeaders {
			o.Headers = append(o.Headers, headerRow{Name: "…", Value: words.Plural(len(e.Headers)-i, "more header")})
			break
		}
		row := headerRow{Name: printable(clip(h[0])), Value: printable(clipTo(h[1], 2<<10))}
		if h[0] == wire.HeaderRoute {
			row.Value = route(e, row.Value)
		}
		if h[0] == wire.HeaderCausationID {
			row.URL = s.addressOf(h[1], v)
		}
		o.Headers = append(o.Headers, row)
	}
	return o
}

// route says a slip in short: who can undo what.
func route(e *tracker.Event, text string) string {
	own := story{events: []tracker.Event{*e}}
	stops, known := own.slip()
	if !known || len(stops) == 0 {
		return text
	}
	services := make([]string, 0, len(stops))
	for _, stop := range stops {
		services = append(services, stop.Service)
	}
	return strings.Join(services, ", ")
}

// addressOf is the view in which the event with an ID is open; empty if the saga has none.
func (s *story) addressOf(id string, v view) string {
	for i := range s.events {
		if e := &s.events[i]; e.ID == id && plain(e) {
			v.From = 0
			return v.Opening(placeOf(e)).URL()
		}
	}
	return ""
}

// after is how long after the saga's beginning something was, to the millisecond while that matters.
func after(t, begun time.Time) string {
	if t.IsZero() || begun.IsZero() {
		return "–"
	}
	switch d := t.Sub(begun); {
	case d < 0:
		return "−" + words.Lasted(-d)
	case d < 100*time.Second:
		return "+" + strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
	case d < 24*time.Hour:
		return fmt.Sprintf("+%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	default:
		return fmt.Sprintf("+%d d", int(d/(24*time.Hour)))
	}
}

func exact(t time.Time) string {
	if t.IsZero() {
		return "time unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC")
}

func clip(s string) string { return clipTo(s, 240) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// printable quotes what can't be seen: names and errors may hold anything.
func printable(s string) string {
	for _, r := range s {
		if r == '\uFFFD' || !strconv.IsPrint(r) {
			quoted := strconv.Quote(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
