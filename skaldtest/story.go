package skaldtest

import (
	"fmt"
	"strings"

	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// story is what happened to a saga, or to an event of none and what came of it.
type story struct {
	lines  []string
	undone []string
	ended  *Status
}

func (w *World) story(of string) *story {
	s := w.seen[of]
	if s == nil {
		s = &story{}
		w.seen[of] = s
	}
	return s
}

func (s *story) tellf(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// tell notes what a batch does.
func (m *member) tell(b *saga.Batch) {
	for _, e := range b.Concluded {
		m.tellResult(e)
	}
	for i := range b.Outs {
		m.tellOut(&b.Outs[i])
	}
	for _, it := range b.Blocked {
		m.storyOf(it.Event).tellf("%s is blocked: %s", stepName(m.name, it.Topic), it.Entry.Error)
	}
}

func (m *member) storyOf(e *wire.Event) *story { return m.w.story(m.w.log.own(e)) }

func (m *member) tellResult(e *saga.Execution) {
	s, name := m.storyOf(e.Item.Event), stepName(m.name, e.Item.Topic)
	switch {
	case e.Err != nil && e.Item.Undo != nil:
		s.tellf("%s: undo, attempt %d: %s: %v", name, e.Attempt, classOf(e.Err), e.Err)
	case e.Err != nil:
		s.tellf("%s: attempt %d: %s: %v", name, e.Attempt, classOf(e.Err), e.Err)
	case e.Item.Undo != nil:
		s.undone = append(s.undone, name)
		s.tellf("%s: undone", name)
	default:
		topics := make([]string, 0, len(e.Outputs))
		for _, o := range e.Outputs {
			topics = append(topics, o.Topic)
		}
		s.tellf("%s: done%s", name, strings.TrimRight(" -> "+strings.Join(topics, ", "), " ->"))
	}
}

func (m *member) tellOut(o *saga.Out) {
	switch {
	case o.Outcome != "":
		outcome, err := wire.DecodeOutcome(o.Event.Payload)
		if err == nil {
			m.storyOf(o.Event).end(outcome.Outcome, outcome.Reason)
		}
	case o.Kind == saga.Emit && o.Topic == wire.Namespace("").Inbox(home): // the test is the initiator
		turn, err := wire.DecodeTurn(o.Event.Payload)
		if err == nil {
			m.storyOf(o.Event).end(turn.Outcome, turn.Reason)
		}
	case o.Kind == saga.Letter:
		m.storyOf(o.Item.Event).tellf("%s: dead letter: %s: %v", stepName(m.name, o.Item.Topic), o.Failure.Class, o.Failure)
	case o.Kind == saga.Note && o.Note.State == wire.StateOverdue:
		m.w.story(o.Note.Saga).tellf("%s", o.Note.Reason)
	case o.Kind == saga.Note && o.Note.Answer != "":
		m.w.story(o.Note.Saga).tellf("%s: request %s: %s", m.name, o.Note.Answer, o.Note.Reason)
	case o.Kind == saga.Note:
		m.storyOf(o.Item.Event).tellf("%s: passed over: %s", stepName(m.name, o.Item.Topic), o.Note.Reason)
	}
}

func (s *story) end(outcome, reason string) {
	s.ended = &Status{State: State(outcome), Why: reason}
	if reason != "" {
		outcome += ": " + reason
	}
	s.tellf("%s", outcome)
}
