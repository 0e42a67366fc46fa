package tracker

import (
	"time"

	"github.com/skald-saga/skald/internal/tracker/traffic"
)

// flows is what a saga adds to the traffic: one flow per event. It follows from the saga's state alone, so whatever the order is in which records
// are read, and however often, the traffic is the sum over all sagas of what their states say.
func (s *state) flows() []traffic.Flow {
	steps := s.timeline()
	flows := make([]traffic.Flow, 0, len(steps))
	for i := range steps {
		p := &steps[i]
		if !p.Seen || p.Queued == 0 {
			continue
		}
		f := traffic.Flow{
			Way:      traffic.Way{Workflow: s.Workflow.Value, From: sender(steps, i), Topic: p.Topic, To: p.Service, Undo: p.Undo != nil},
			Produced: p.Queued, Took: -1,
		}
		if f.Way.Undo && f.Way.To == "" {
			f.Way.To = p.Undo.Service
		}
		switch {
		case p.Phase == phaseDone:
			// What waited for a person says nothing of how long the hop takes, nor do clocks that disagree.
			if p.Finished >= p.Queued && !s.hasLetterOf(p) {
				f.Handled, f.Took = p.Finished, time.Duration(p.Finished-p.Queued)
			}
		case s.Outcome.Outcome == "":
			f.Token = tokenOf(p.Phase)
		}
		flows = append(flows, f)
	}
	return flows
}

// sender is the service that put a step's event out: the one that had the token before. A start comes from outside.
func sender(steps []stepState, i int) string {
	for j := i - 1; j >= 0 && steps[j].hop() >= steps[i].Hop-1; j-- {
		if steps[j].hop() == steps[i].Hop-1 && steps[j].Phase == phaseDone {
			return steps[j].Service
		}
	}
	return ""
}

func (s *state) hasLetterOf(p *stepState) bool {
	for i := range s.Letters {
		if s.Letters[i].Halted && s.Letters[i].Event == p.ID {
			return true
		}
	}
	return false
}

func tokenOf(p phase) traffic.Token {
	switch p {
	case phaseRetrying, phaseWaiting:
		return traffic.Retrying
	case phaseHalted, phaseBlocked:
		return traffic.Halted
	}
	return traffic.Running
}
