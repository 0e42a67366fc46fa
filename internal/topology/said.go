package topology

import (
	"fmt"
	"strconv"

	"github.com/skald-saga/skald/internal/tracker"
)

// Said is what a drawing says of what is drawn, by name.
type Said struct {
	Services map[string]ServiceSaid
	Topics   map[string]TopicSaid
}

// ServiceSaid is what stands in a service's box.
type ServiceSaid struct {
	State string // Up, Partly or Down; "" unknown
	Count string // 3 of 3: instances that are up
	Lines [2]string
}

// TopicSaid is what stands beside a topic.
type TopicSaid struct {
	Text  string
	Stuck int64 // sagas that have been at what reads it for far longer than usual
	Odd   bool  // nobody has declared what goes there
}

// States of a service's instances, together.
const (
	Up     = "up"
	Partly = "partly"
	Down   = "down"
)

// Say puts the figures of a graph into the words of a drawing. Traffic is that of the graph's ways, over the window that was asked for.
func Say(g *Graph, services []tracker.Service) Said {
	said := Said{map[string]ServiceSaid{}, map[string]TopicSaid{}}
	known := map[string]tracker.Service{}
	for _, s := range services {
		known[s.Name] = s
	}
	for _, s := range g.Services {
		said.Services[s.Name] = g.sayService(s, known)
	}
	for _, t := range g.Topics {
		said.Topics[t.Name] = g.sayTopic(t, known)
	}
	return said
}

func (g *Graph) sayService(s Service, known map[string]tracker.Service) ServiceSaid {
	said := ServiceSaid{Lines: [2]string{g.times(s.Name), s.Does()}}
	k, ok := known[s.Name]
	if !ok {
		return said
	}
	up, all := 0, 0
	for _, i := range k.Instances {
		if i.State == tracker.Gone {
			continue
		}
		all++
		if i.Up {
			up++
		}
	}
	said.Count = fmt.Sprintf("%d of %d", up, all)
	switch {
	case up == 0:
		said.State = Down
	case up < all:
		said.State = Partly
	default:
		said.State = Up
	}
	return said
}

// Does says what a service is for.
func (s *Service) Does() string {
	switch {
	case len(s.Begins) == 1:
		return "begins and ends " + s.Begins[0]
	case len(s.Begins) > 1:
		return fmt.Sprintf("begins and ends %d workflows", len(s.Begins))
	case len(s.Serves) == 1:
		return "serves " + s.Serves[0]
	case len(s.Serves) > 1:
		return fmt.Sprintf("serves %d workflows", len(s.Serves))
	case len(s.Watches) > 0:
		return "outside the saga"
	case !s.Declared:
		return "has declared nothing"
	}
	return "serves no workflow"
}

// times says how long what comes to a service takes there. Percentiles can't be added up, so of several ways it's the slowest.
func (g *Graph) times(service string) string {
	var slowest tracker.Hop
	ways := 0
	for _, w := range g.Ways {
		for _, h := range w.Traffic {
			if w.To == service && h.P99 > 0 {
				ways++
				if h.P99 > slowest.P99 {
					slowest = h
				}
			}
		}
	}
	switch ways {
	case 0:
		return ""
	case 1:
		return "p50 " + tracker.Lasted(slowest.P50) + " · p99 " + tracker.Lasted(slowest.P99)
	}
	return "p99 up to " + tracker.Lasted(slowest.P99)
}

func (g *Graph) sayTopic(t Topic, known map[string]tracker.Service) (said TopicSaid) {
	rate, events, declared, seen := 0.0, int64(0), false, false
	readers := map[string]bool{}
	for _, w := range g.Ways {
		if w.Topic != t.Name {
			continue
		}
		declared = declared || w.Declared
		readers[w.To] = true
		for _, h := range w.Traffic {
			rate, events, seen = rate+h.Rate, events+h.Events, true
			said.Stuck += h.Stuck
		}
	}
	said.Odd = !declared && seen
	said.Text = Rate(rate)
	if len(t.Ends) > 0 {
		said.Text += " come home"
	}
	if said.Odd {
		said.Text += ", undeclared"
	}
	lag, told := int64(0), false
	for _, s := range known {
		for _, l := range s.Topics {
			if readers[s.Name] && l.Topic == t.Name {
				lag, told = lag+l.Lag, true
			}
		}
	}
	if told {
		said.Text += " · lag " + thousands(lag)
	}
	return said
}

func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Rate is how often something happens.
func Rate(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0/s"
	case perSecond < 1.0/60:
		return strconv.FormatFloat(perSecond*3600, 'f', 0, 64) + "/h"
	case perSecond < 1:
		return strconv.FormatFloat(perSecond*60, 'f', 0, 64) + "/min"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + "/s"
	}
	return strconv.FormatFloat(perSecond, 'f', 0, 64) + "/s"
}
