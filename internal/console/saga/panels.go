package saga

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// panel is a list beside the events.
type panel struct {
	ID, Title string
	Items     []item
	Empty     string // what to say if there are none
}

// item is a line of a panel: who, in bold, and what.
type item struct {
	Class  string // at, undo, done, or nothing
	Tone   string // of an item that is at
	Who    string
	What   string
	Topic  string
	Rest   string
	Due    time.Time
	Since  time.Time
	Note   string
	Letter string // address
}

func (s *story) panels(now time.Time) []panel {
	var panels []panel
	if s.saga.Outcome == "" {
		panels = append(panels, panel{ID: "next", Title: "What comes next", Items: s.comesNext(now)})
		if !s.turned() && s.saga.Ending == "" {
			panels = append(panels, panel{ID: "if-cancelled", Title: "If it is cancelled now", Items: s.ifCancelled(), Empty: "The log doesn't tell what would be undone."})
		}
	} else if s.saga.Outcome != wire.Completed || len(s.saga.Undone) > 0 {
		panels = append(panels, panel{ID: "undone", Title: "What was undone", Items: s.undone(), Empty: "Nothing."})
	}
	return append(panels, panel{ID: "asked", Title: "Actions by people", Items: s.asked(now), Empty: "None."})
}

func (s *story) comesNext(now time.Time) []item {
	step, ok := s.saga.Current()
	if !ok {
		return append([]item{{Class: "at", Tone: "running", What: "It is between two services"}}, s.then()...)
	}
	items := append([]item{s.current(step)}, s.then()...)
	tries := step.State == tracker.StepRetrying || step.State == tracker.StepRunning || step.State == tracker.StepQueued
	switch {
	case tries && step.Undo:
		items = append(items, item{What: "or, if its attempts are spent, it is blocked", Note: "until a person decides: nothing is skipped"})
	case tries && step.Attempts > 0:
		items = append(items, item{What: fmt.Sprintf("or, if attempt %d fails, it halts as a dead letter", step.Attempts), Note: "until it is redriven or discarded"})
	}
	if d := s.saga.Deadline; !d.IsZero() && !s.turned() {
		last := item{What: "at the latest, deadline " + clock(d, now)}
		if now.After(d) {
			last.What = "its deadline has passed: " + clock(d, now)
		}
		if begin, known := s.begins(); known {
			last.Note = "then it is overdue, and goes on"
			if begin.OnDeadline == wire.DeadlineExpires {
				last.Note = "then it is undone, and ends as expired"
			}
		}
		items = append(items, last)
	}
	return items
}

// current says what the step that has the token is about to do.
func (s *story) current(step tracker.Step) item {
	who := step.Service
	if who == "" {
		who = "a service that is unknown yet"
	}
	it := item{Class: "at", Tone: s.saga.Status, Who: who}
	work := "works on"
	if step.Undo {
		work = "undoes"
	}
	switch step.State {
	case tracker.StepRetrying:
		it.What, it.Due = " tries again ", step.Due
		it.Note = "attempt " + strconv.Itoa(step.Attempt+1)
		if step.Attempts > 0 {
			it.Note += " of " + strconv.Itoa(step.Attempts)
		}
	case tracker.StepRunning:
		it.What, it.Topic, it.Since = " "+work+" ", step.Topic, step.Started
		if s.saga.Usual > 0 {
			it.Note = "99 of 100 take no longer than " + words.Lasted(s.saga.Usual)
		}
	case tracker.StepWaiting:
		it.What, it.Note = " pauses until what it needs is there", clip(step.Error)
	case tracker.StepHalted:
		it.Who, it.What, it.Note = "A person", " redrives or discards the dead letter", "nothing happens until then"
	case tracker.StepBlocked:
		it.Who, it.What, it.Note = "A person", " says how the undo goes on", clip(step.Error)
		if !step.Undo {
			it.What = " restarts " + who + ": its handler doesn't return"
		}
	default:
		it.What, it.Topic = " takes ", step.Topic
		it.Since = step.Queued
	}
	return it
}

// then is what follows the current step.
func (s *story) then() (items []item) {
	if s.turned() {
		for _, stop := range s.stillToUndo() {
			items = append(items, item{Class: "undo", What: "then " + stop.Service + " undoes ", Topic: stop.Topic})
		}
		return append(items, item{What: "closed as " + words.Clip(s.saga.Ending)})
	}
	hops := s.ahead(s.topicNow())
	last := hop{}
	for _, h := range hops {
		last = h
		it := item{What: "then ", Topic: h.Topic, Rest: ": " + h.Service + " takes it"}
		if h.Role == wire.RoleEnd {
			it.Rest = ": " + h.Service + " completes it"
		}
		items = append(items, it)
	}
	if len(hops) == 0 {
		last, _ = s.taker(s.topicNow())
	}
	if next := s.next(last); len(next) > 1 {
		items = append(items, item{What: "then one of " + words.Listed(next)})
	}
	return items
}

// effective are the stops at which something is to be undone: the first may be only the way home.
func effective(stops []wire.Stop) []wire.Stop {
	return slices.DeleteFunc(slices.Clone(stops), func(s wire.Stop) bool { return len(s.In) == 0 })
}

// stillToUndo is what is to be undone after the current undo, the next first.
func (s *story) stillToUndo() []wire.Stop {
	stops, _ := s.slip()
	if current, ok := s.saga.Current(); ok && current.Undo && len(stops) > 0 {
		stops = stops[:len(stops)-1] // the last is the one that it undoes
	}
	stops = effective(stops)
	slices.Reverse(stops)
	return stops
}

// ifCancelled is what a cancel would undo, the latest first.
func (s *story) ifCancelled() (items []item) {
	stops, known := s.slip()
	if !known {
		return nil
	}
	if step, ok := s.saga.Current(); ok && step.Attempt > 0 {
		if h, declared := s.taker(step.Topic); declared && h.Compensates {
			items = append(items, item{Class: "undo", Who: step.Service, What: " undoes what it has begun of ", Topic: step.Topic})
		}
	}
	for _, stop := range slices.Backward(effective(stops)) {
		items = append(items, item{Class: "undo", Who: stop.Service, What: " undoes ", Topic: stop.Topic})
	}
	end := "closed as cancelled"
	if len(items) == 0 {
		end += "; nothing is to be undone"
	}
	return append(items, item{What: end})
}

// undone is what was undone, in that order.
func (s *story) undone() (items []item) {
	for _, step := range s.saga.Steps {
		if !step.Undo {
			continue
		}
		it := item{Class: "undo", Who: step.Service, What: " has undone ", Topic: step.Topic}
		if step.State != tracker.StepDone {
			it.Class, it.What = "", " has not undone "
		}
		var notes []string
		if !step.Started.IsZero() && step.Finished.After(step.Started) {
			notes = append(notes, words.Lasted(step.Finished.Sub(step.Started)))
		}
		if step.Attempt > 0 {
			notes = append(notes, map[bool]string{true: "first attempt", false: strconv.Itoa(step.Attempt) + " attempts"}[step.Attempt == 1])
		}
		it.Note = strings.Join(notes, ", ")
		items = append(items, it)
	}
	return items
}

// asked are the commands that people, or programs for them, gave for this saga, with the answers.
func (s *story) asked(now time.Time) (items []item) {
	answers := map[string]wire.LedgerRecord{}
	for i := range s.events {
		if l, ok := note(&s.events[i]); ok && l.Answer != "" {
			answers[l.ID] = l
		}
	}
	for i := range s.events {
		e := &s.events[i]
		if e.Type != tracker.CommandType {
			continue
		}
		c, err := command(e)
		if err != nil {
			continue
		}
		it := item{Class: "done", Who: words.Clip(printable(c.By)), What: " asked: " + c.Kind}
		if c.Edited {
			it.What += " with another payload"
		}
		if it.Who == "" {
			it.Who = "Somebody"
		}
		if c.Reason != "" {
			it.What += ", " + printable(clip(c.Reason))
		}
		it.Note = clock(e.Time, now) + ": no answer yet"
		if answer, ok := answers[c.ID]; ok {
			it.Note = clock(e.Time, now) + ": " + answer.Answer
			if answer.Reason != "" {
				it.Note += ", " + printable(clip(answer.Reason))
			}
		}
		items = append(items, it)
	}
	return items
}
