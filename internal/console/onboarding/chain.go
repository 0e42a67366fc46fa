package onboarding

import (
	"fmt"
	"strings"

	"github.com/skald-saga/skald/internal/console/words"
)

// stationPage is a service as the chain shows it.
type stationPage struct {
	Name, Glyph, Note string
	Down, Changing    bool
	To, Label         string // what its button does: play or stop
}

func (b *board) stationPages(v view) []stationPage {
	pages := make([]stationPage, 0, len(b.stations))
	for _, s := range b.stations {
		p := stationPage{Name: s.Name, Glyph: "up", Note: s.Role, To: "stop", Label: "Stop " + s.Name}
		switch s.State {
		case "stopping":
			p.Glyph, p.Changing, p.Note = "changing", true, "stopping"
		case "starting":
			p.Glyph, p.Changing, p.Note, p.To, p.Label = "changing", true, "starting", "play", "Start "+s.Name
		case "stopped", "unseen":
			p.Glyph, p.Down, p.Note, p.To, p.Label = "down", true, "stopped", "play", "Start "+s.Name
			if s.State == "unseen" {
				p.Note = "not seen yet"
			}
		}
		if !v.TraceOff {
			p.Note = b.withCounts(s, p)
		}
		pages = append(pages, p)
	}
	return pages
}

// withCounts adds what the service has before it. Counts are of the rows loaded; where that isn't all, they say so.
func (b *board) withCounts(s station, p stationPage) string {
	waiting := b.waitingFor(s)
	var retrying, halted, blocked int
	for _, topic := range s.Topics {
		at := b.hands[topic]
		retrying, halted, blocked = retrying+at.retrying, halted+at.halted, blocked+at.blocked
	}
	note := p.Note
	switch {
	case waiting > 0 && p.Down:
		note += " · " + b.count(waiting) + " queued"
	case waiting > 0 && halted+blocked > 0 && !p.Changing:
		note = b.count(waiting) + " in hand" // no room for more
	case retrying > 0 && retrying == waiting && !p.Changing:
		note = s.With + " · " + b.count(retrying) + " retrying"
	case waiting > 0 && !p.Changing:
		note = s.With + " · " + b.count(waiting) + " in hand"
	case waiting > 0:
		note += " · " + b.count(waiting) + " in hand"
	}
	if blocked > 0 {
		return note + fmt.Sprintf(" · %s blocked", b.count(blocked))
	}
	if halted > 0 {
		note += fmt.Sprintf(" · %s halted", b.count(halted))
	}
	return note
}

func (b *board) waitingFor(s station) int {
	waiting := 0
	for _, topic := range s.Topics {
		waiting += b.hands[topic].waiting
	}
	return waiting
}

// count writes a number that may be less than all there are.
func (b *board) count(n int) string {
	if b.exact {
		return words.Thousands(n)
	}
	return words.Thousands(n) + "+"
}

// warning names a service that is down and what waits for it.
type warning struct {
	Service, Is string
	Queues      []queue
	Promise     string
}

type queue struct{ Users, Topic string }

func (b *board) warnings(v view, demo bool) []warning {
	var all []warning
	for _, s := range b.stations {
		if !s.Down() || !demo && s.State == "unseen" && b.total() == 0 {
			continue // a console that was started before its services has nothing to warn of
		}
		w := warning{Service: s.Name, Is: "stopped", Promise: "whoever needs it waits until it starts again."}
		if s.State == "unseen" {
			w.Is = "not running"
		}
		for _, topic := range s.Topics {
			n := b.hands[topic].waiting
			if n == 0 || v.TraceOff {
				continue
			}
			users := b.count(n) + " users wait"
			if n == 1 && b.exact {
				users = "1 user waits"
			}
			w.Queues = append(w.Queues, queue{users, topic})
			w.Promise = "they go on when it starts again."
		}
		all = append(all, w)
	}
	return all
}

// places are where tokens wait in front of a service: the last of them nearest to it.
var places = map[string][]string{
	columns[0].Topic: {"265 107", "279 107", "293 107"},
	columns[1].Topic: {"483 107", "497 107", "511 107"},
	columns[2].Topic: {"701 107", "715 107", "729 107"},
	columns[3].Topic: {"440 33", "426 33", "412 33"},
}

// waiting draws up to three tokens in front of each service that is down.
func (b *board) waiting() string {
	var path strings.Builder
	for _, s := range b.stations {
		if !s.Down() {
			continue
		}
		for _, topic := range s.Topics {
			at := places[topic]
			for _, place := range at[len(at)-min(b.hands[topic].waiting, len(at)):] {
				fmt.Fprintf(&path, "M%sh.01", place)
			}
		}
	}
	return path.String()
}
