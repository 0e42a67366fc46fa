package services

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
)

func lag(n int64) string {
	if n == tracker.UnknownLag {
		return "–"
	}
	return words.Thousands(n)
}

// rate writes events a second: small ones to a tenth.
func rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 9.95 {
		return fmt.Sprintf("%.1f/s", perSecond)
	}
	return words.Thousands(int64(math.Round(perSecond))) + "/s"
}

// spark is the events of each of the last 60 minutes.
func spark(hops []tracker.Hop) template.HTML {
	var sum []float64
	for _, hop := range hops {
		if sum == nil {
			sum = make([]float64, len(hop.Minutes))
		}
		for i, m := range hop.Minutes {
			if i < len(sum) {
				sum[i] += float64(m.Events)
			}
		}
	}
	if sum == nil {
		return ""
	}
	return draw.Spark{Lines: []draw.Line{{Values: sum}}}.HTML()
}

// slowest is the greatest p99 of the ways into a service.
func slowest(hops []tracker.Hop) (p99 time.Duration) {
	for _, hop := range hops {
		p99 = max(p99, hop.P99)
	}
	return p99
}

// sharesOf is what each workflow has of a service's events, the greatest first.
func sharesOf(service string, hops []tracker.Hop) []share {
	type part struct {
		share
		events   int64
		rate     float64
		p50, p99 time.Duration
	}
	byWorkflow := map[string]*part{}
	var parts []*part
	total := int64(0)
	for _, hop := range hops {
		p := byWorkflow[hop.Workflow]
		if p == nil {
			p = &part{share: share{Workflow: cmp.Or(hop.Workflow, "no workflow")}}
			byWorkflow[hop.Workflow], parts = p, append(parts, p)
		}
		p.events, p.rate, p.Retrying, p.Halted = p.events+hop.Events, p.rate+hop.Rate, p.Retrying+hop.Retrying, p.Halted+hop.Halted
		p.p50, p.p99 = max(p.p50, hop.P50), max(p.p99, hop.P99)
		total += hop.Events
	}
	slices.SortStableFunc(parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(b.events, a.events), strings.Compare(a.Workflow, b.Workflow))
	})
	all := make([]share, 0, len(parts))
	for i, p := range parts {
		if i == 0 {
			p.Service = service
		}
		if total > 0 {
			p.Percent = int(math.Round(100 * float64(p.events) / float64(total)))
		}
		p.Rate, p.P50, p.P99 = rate(p.rate), took(p.p50), took(p.p99)
		all = append(all, p.share)
	}
	return all
}

func took(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return words.Lasted(d)
}

// drawn is a bar of shares, and the same in numbers.
func drawn(shares []share) (bar template.HTML, numbers string) {
	if len(shares) < 2 {
		return "", ""
	}
	parts, texts := make([]draw.Part, 0, len(shares)), make([]string, 0, len(shares))
	for i, s := range shares {
		class := "fill-line"
		if i == 0 {
			class = "fill-running"
		}
		parts, texts = append(parts, draw.Part{Class: class, N: float64(s.Percent)}), append(texts, words.Thousands(s.Percent))
	}
	return draw.Shares("", parts...), strings.Join(texts, " : ")
}
