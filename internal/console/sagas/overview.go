package sagas

import (
	"context"
	"fmt"
	"html/template"
	"time"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

// open are the statuses of sagas that aren't over, in the order of the legend.
var open = []string{tracker.Running, tracker.Retrying, tracker.Waiting, tracker.Halted, tracker.Compensating, tracker.Blocked}

// overview is how many sagas are how, and what ended lately.
type overview struct {
	Open           int64
	Overdue, Stuck tracker.Count
	Statuses       []share
	Bar            template.HTML
	Chart          template.HTML
	Ended          string
	From, To       time.Time
}

type share struct {
	Status string
	N      int64
}

func (h *handler) overview(ctx context.Context, v view, now time.Time) (*overview, error) {
	counts, err := h.b.Tracker.Counts(ctx, v.Workflow)
	if err != nil {
		return nil, err
	}
	o := &overview{}
	o.Overdue, err = h.b.Tracker.Count(ctx, tracker.Query{Workflow: v.Workflow, Overdue: true, Now: now})
	if err != nil {
		return nil, err
	}
	if o.Stuck, err = h.b.Tracker.Count(ctx, tracker.Query{Workflow: v.Workflow, Stuck: true, Now: now}); err != nil {
		return nil, err
	}
	parts := make([]draw.Part, 0, len(open))
	for _, status := range open {
		n := counts[status]
		o.Open += n
		o.Statuses = append(o.Statuses, share{status, n})
		parts = append(parts, draw.Part{Class: "fill-" + status, N: float64(n)})
	}
	o.Bar = draw.Shares("Shares by status, as listed below", parts...)
	return o, h.outcomes(ctx, o, now)
}

// chartMinutes is how far back the chart of outcomes goes.
const chartMinutes = 60

func (h *handler) outcomes(ctx context.Context, o *overview, now time.Time) error {
	o.To = now.Truncate(time.Minute)
	o.From = o.To.Add(-(chartMinutes - 1) * time.Minute)
	minutes, err := h.b.Tracker.Outcomes(ctx, o.From)
	if err != nil {
		return err
	}
	bars := draw.Bars{Width: 360, Height: 46, Stacks: make([]draw.Stack, chartMinutes)}
	var completed, otherwise int64
	for _, m := range minutes {
		i := int(m.At.Sub(o.From) / time.Minute)
		if i < 0 || i >= chartMinutes {
			continue // a clock that is off
		}
		completed, otherwise = completed+m.Completed, otherwise+m.Otherwise
		bars.Stacks[i] = draw.Stack{
			Title: fmt.Sprintf("%s: %s completed, %s otherwise", m.At.Local().Format("15:04"), words.Thousands(m.Completed), words.Thousands(m.Otherwise)),
			Parts: []draw.Part{{Class: "fill-quiet", N: float64(m.Completed)}, {Class: "fill-compensating", N: float64(m.Otherwise)}},
		}
	}
	o.Ended = words.Thousands(completed) + " completed, " + words.Thousands(otherwise) + " otherwise"
	bars.Label = "Outcomes per minute of the last hour: " + o.Ended
	o.Chart = bars.HTML()
	return nil
}

// Began is the time at the left end of the chart, Ends that at the right.
func (o *overview) Began() string { return o.From.Local().Format("15:04") }

func (o *overview) Ends() string { return o.To.Local().Format("15:04") }
