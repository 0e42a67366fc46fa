package failures

import (
	"context"
	"html/template"
	"time"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// bars is how many spans of time a group's little chart has.
const bars = 22

// spans are the lengths that they may have: the chart of all groups reaches back to the first letter of any, if that is possible.
var spans = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// groups is what was looked up of causes with letters in one state.
type groups struct {
	causes []tracker.Cause
	total  int
	bars   map[string][]int64
	span   time.Duration
}

// group is one item of the list.
type group struct {
	tracker.Cause
	URL     string
	Current bool
	N       int64 // letters in the state that one looks at
	Bars    template.HTML
	Running string // how far its redrive is, while it asks
}

// Title is the error's first line.
func (g group) Title() string { return title(g.Error, 200) }

// Times says when the first and the last letter were written.
func (g group) Times() string { return times(g.First, g.Last) }

func times(first, last time.Time) string {
	if first.Equal(last) {
		return moment(first)
	}
	return "first " + moment(first) + ", last " + moment(last)
}

// moment is the time of day, with the day if that isn't today.
func moment(t time.Time) string {
	local, now := t.Local(), time.Now()
	switch day := local.Format(time.DateOnly); day {
	case now.Format(time.DateOnly):
		return words.TimeOfDay(t)
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "yesterday " + local.Format("15:04")
	default:
		return day + local.Format(" 15:04")
	}
}

func (h *handler) groupsOf(ctx context.Context, s state) (*groups, error) {
	return h.groups.get(h.b.Tracker, s.Word, func() (*groups, error) {
		causes, total, err := h.b.Tracker.Causes(ctx, tracker.CauseQuery{Statuses: s.Statuses, Limit: mostGroups})
		if err != nil {
			return nil, err
		}
		g := &groups{causes: causes, total: total}
		var keys []string
		now := time.Now()
		first := now
		for _, c := range causes {
			keys = append(keys, c.Key)
			if c.First.Before(first) {
				first = c.First
			}
		}
		for _, g.span = range spans {
			if now.Sub(first) < bars*g.span {
				break
			}
		}
		since := now.Truncate(g.span).Add(-(bars - 1) * g.span)
		g.bars, err = h.b.Tracker.LetterSpans(ctx, keys, since, g.span, bars)
		return g, err
	})
}

// list gives the groups of a page: those that it shows already, in their order, or those that there are.
func (h *handler) list(ctx context.Context, v view, known *groups, p *page) error {
	byKey := make(map[string]*tracker.Cause, len(known.causes))
	for i := range known.causes {
		byKey[known.causes[i].Key] = &known.causes[i]
	}
	keys := v.Groups
	if keys == nil {
		for _, c := range known.causes {
			keys = append(keys, c.Key)
		}
	}
	for _, key := range keys {
		c := byKey[key]
		if c == nil { // it has left this state, and stays until somebody asks anew
			found, err := h.causeOf(ctx, key)
			if problem.Is[*problem.Missing](err) {
				continue // its letters have been deleted with their sagas
			}
			if err != nil {
				return err
			}
			c = found
		}
		delete(byKey, key)
		g := group{Cause: *c, URL: v.Of(key).URL(), Current: key == v.Cause, Bars: known.chart(c)}
		for _, status := range v.State.Statuses {
			g.N += c.ByStatus[status]
		}
		if s, ok := h.runner.Of(key); ok && s.Asking() {
			g.Running = verb(s.Kind) + ", " + words.Thousands(s.Requested) + " of " + words.Thousands(s.Letters)
			if s.Phase == redrive.Paused {
				g.Running = s.Kind + " paused, " + words.Thousands(s.Requested) + " of " + words.Thousands(s.Letters)
			}
		}
		p.Groups = append(p.Groups, g)
	}
	if v.Groups != nil {
		p.Newer = len(byKey)
	}
	if more := known.total - len(known.causes); more > 0 {
		p.More = "The first " + words.Plural(len(known.causes), "group") + " are listed, of " + words.Thousands(known.total) + "."
	}
	return nil
}

func verb(kind string) string {
	if kind == redrive.Discard {
		return "discarding"
	}
	return "redriving"
}

// chart is red for what has gone on in the last two spans.
func (g *groups) chart(c *tracker.Cause) template.HTML {
	counts := g.bars[c.Key]
	if counts == nil {
		return ""
	}
	class, total := "fill-edge", int64(0)
	if counts[bars-1]+counts[bars-2] > 0 {
		class = "fill-halted"
	}
	chart := draw.Bars{Width: 84, Height: 18}
	for _, n := range counts {
		total += n
		chart.Stacks = append(chart.Stacks, draw.Stack{Parts: []draw.Part{{Class: class, N: float64(n)}}})
	}
	chart.Label = words.Plural(total, "letter") + " in the last " + words.Lasted(bars*g.span)
	return chart.HTML()
}

func (h *handler) causeOf(ctx context.Context, key string) (*tracker.Cause, error) {
	return h.causes.get(h.b.Tracker, key, func() (*tracker.Cause, error) {
		c, err := h.runner.Cause(ctx, key)
		return &c, err
	})
}

// past is a redrive that is over.
type past struct {
	Title, URL, When string
	Taken, Ended     string
}

const mostPast = 5

// lately are the redrives that ended last.
func (h *handler) lately() (all []past) {
	for _, s := range h.runner.All() {
		if s.Asking() || len(all) == mostPast {
			continue
		}
		taken := "redelivered"
		if s.Kind == redrive.Discard {
			taken = "discarded"
		}
		all = append(all, past{
			Title: title(s.About.Error, 80) + ", " + s.About.Service, URL: view{State: states[0], Tab: tabs[0], Cause: s.Cause}.URL(), When: moment(s.Started),
			Taken: words.Thousands(s.Accepted) + " of " + words.Thousands(s.Letters) + " " + taken, Ended: ended(s),
		})
	}
	return all
}
