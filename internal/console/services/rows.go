package services

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// page is what the templates are given.
type page struct {
	Window    window
	Windows   []window
	Services  []service
	Instances int
	Down      []silence
	Shared    []share
}

// service is one service with its instances.
type service struct {
	Name, Does string
	state
	Version    string
	Partitions int
	Lag        string
	InHand     string
	Rate       string
	Spark      template.HTML
	P99        string
	Shares     template.HTML
	Sharing    string // the same in numbers
	Instances  []instance
}

// instance is one process.
type instance struct {
	Name string
	state
	Version    string
	Since      time.Time // up since; zero for one that isn't
	Silent     time.Time // down or gone since
	Partitions int
	Lag        string
	InHand     string
	Rate       string
}

// state is a glyph with its word; Class names its colour.
type state struct{ Glyph, Class, Word string }

// silence is an instance that is down, and what became of its partitions.
type silence struct {
	Instance, Service string
	Since             time.Time
	Went              string
}

// share is what one workflow has of a service that several use.
type share struct {
	Service  string // empty below the first of a service
	Workflow string
	Rate     string
	Percent  int
	P50, P99 string
	Retrying int64
	Halted   int64
}

func newPage(known []tracker.Service, declared []tracker.Declaration, hops []tracker.Hop) *page {
	p := &page{}
	does := map[string]string{}
	for _, d := range declared {
		does[d.Service] = doing(d.Steps)
	}
	for _, s := range known {
		var into []tracker.Hop
		for _, hop := range hops {
			if hop.To == s.Name && !hop.Undo {
				into = append(into, hop)
			}
		}
		row := service{
			Name: s.Name, Does: does[s.Name], state: stateOf(s), Version: strings.Join(s.Versions, ", "), Partitions: len(s.Partitions),
			Lag: lag(s.Lag), InHand: words.Thousands(s.InHand), Rate: rate(s.Rate), Spark: spark(into), P99: "–",
		}
		shares := sharesOf(s.Name, into)
		if p99 := slowest(into); p99 > 0 {
			row.P99 = words.Lasted(p99)
		}
		row.Shares, row.Sharing = drawn(shares)
		if len(shares) > 1 {
			p.Shared = append(p.Shared, shares...)
		}
		for _, i := range s.Instances {
			p.Instances++
			row.Instances = append(row.Instances, instanceRow(i))
			if i.State == tracker.Down {
				p.Down = append(p.Down, silence{i.Name, s.Name, i.Since, went(i)})
			}
		}
		p.Services = append(p.Services, row)
	}
	return p
}

// doing says what a service is for, from what it declares.
func doing(steps []tracker.DeclaredStep) string {
	var begins, others []string
	for _, s := range steps {
		switch s.Role {
		case wire.RoleBegin:
			begins = append(begins, s.Workflow)
		case wire.RoleEnd:
		case wire.RoleWatch:
			others = append(others, "watches "+s.Topic)
		default:
			others = append(others, s.Topic+" → "+strings.Join(successors(s), ", "))
		}
	}
	slices.Sort(begins)
	if len(begins) > 0 {
		others = append([]string{"begins and ends " + words.Listed(begins)}, others...)
	}
	return strings.Join(others, "; ")
}

// successors are the topics that a step may send to.
func successors(s tracker.DeclaredStep) []string {
	all := slices.Clone(s.Next)
	for _, topic := range s.NextFor {
		all = append(all, topic)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 0 {
		return []string{"nothing"}
	}
	return all
}

var states = map[string]state{
	tracker.Up:       {"up", "completed", "up"},
	tracker.Draining: {"queued", "retrying", "draining"},
	tracker.Down:     {"down", "halted", "down"},
	tracker.Gone:     {"down", "cancelled", "stopped"},
}

// stateOf is a service's: how many of its instances are down, or that two versions of it run at a time.
func stateOf(s tracker.Service) state {
	down := 0
	for _, i := range s.Instances {
		if i.State == tracker.Down {
			down++
		}
	}
	switch {
	case down > 0 && down < len(s.Instances):
		return state{"down", "halted", words.Thousands(down) + " of " + words.Thousands(len(s.Instances)) + " down"}
	case s.State == tracker.Up && len(s.Versions) > 1:
		return state{"queued", "retrying", "rolling"}
	}
	return states[s.State]
}

func instanceRow(i tracker.Instance) instance {
	row := instance{
		Name: i.Name, state: states[i.State], Version: i.Version, Partitions: len(i.Partitions), Lag: lag(i.Lag),
		InHand: words.Thousands(i.InHand), Rate: rate(i.Rate),
	}
	if i.Up {
		row.Since = i.Started
	} else {
		row.Silent, row.Partitions, row.InHand, row.Rate = i.Since, 0, "–", "–"
	}
	return row
}

// went says where the partitions of an instance are now.
func went(i tracker.Instance) string {
	taken := 0
	var by []string
	for _, t := range i.TakenBy {
		taken += len(t.Partitions)
		by = append(by, t.Instance)
	}
	switch left := len(i.Partitions) - taken; {
	case len(i.Partitions) == 0:
		return "It owned no partition."
	case taken == 0:
		return "Nobody has its " + words.Plural(len(i.Partitions), "partition") + " yet: what is sent there waits, and nothing is lost."
	case left > 0:
		return words.Plural(taken, "partition") + " went to " + words.Listed(by) + ", " + words.Thousands(left) + " to nobody yet. Nothing is lost."
	}
	return "Its " + words.Plural(taken, "partition") + " went to " + words.Listed(by) + ". Nothing is lost."
}
