package mask

import (
	"slices"
	"strings"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Saga masks the payloads of a saga's steps.
func (r *Rules) Saga(s tracker.Saga) tracker.Saga {
	if r == nil {
		return s
	}
	s.Steps = slices.Clone(s.Steps)
	for i := range s.Steps {
		s.Steps[i].Payload = r.Payload(s.Steps[i].Topic, s.Steps[i].Payload)
	}
	return s
}

// Event masks a record's payload, and its routing slip. A copy in an inbox, or a dead letter, is masked as what it is a copy of.
func (r *Rules) Event(e tracker.Event) tracker.Event {
	if r == nil {
		return e
	}
	header := func(name string) string {
		for _, h := range e.Headers {
			if h[0] == name {
				return h[1]
			}
		}
		return ""
	}
	if !own(&e) {
		for _, topic := range []string{e.Topic, header(wire.HeaderOrigin), header(wire.LetterStep), header(wire.LetterTopic)} {
			if topic != "" {
				e.Payload = r.Payload(topic, e.Payload)
			}
		}
	}
	e.Headers = slices.Clone(e.Headers)
	headers := make([]wire.Header, len(e.Headers))
	for i, h := range e.Headers {
		headers[i] = wire.Header{Key: h[0], Value: []byte(h[1])}
	}
	for i, h := range e.Headers {
		if h[0] == wire.HeaderRoute {
			e.Headers[i][1] = r.slip(h[1], headers)
		}
	}
	return e
}

// own says whether a record's payload is Skald's own words: on what is undone, on an attempt, a command that carries no event, an outcome.
func own(e *tracker.Event) bool {
	const system = "skald."
	for _, h := range e.Headers {
		if h[0] == wire.HeaderCommand {
			if c, err := wire.DecodeCommand([]byte(h[1])); err != nil || c.Edited {
				return false // it carries an event
			}
		}
	}
	return strings.HasPrefix(e.Type, system) && strings.HasPrefix(e.Topic, system)
}

// Letter masks a dead letter that is to be shown. One that is to be redriven must be as it is.
func (r *Rules) Letter(l skald.DeadLetter) skald.DeadLetter {
	if r == nil {
		return l
	}
	l.Payload = r.Payload(l.Topic, r.Payload(l.Step, l.Payload))
	headers := make([]wire.Header, len(l.Headers))
	for i, h := range l.Headers {
		headers[i] = wire.Header{Key: h.Key, Value: h.Value}
	}
	l.Headers = slices.Clone(l.Headers)
	for i, h := range l.Headers {
		if h.Key == wire.HeaderRoute {
			l.Headers[i].Value = []byte(r.slip(string(h.Value), headers))
		}
	}
	return l
}

// slip masks what a routing slip keeps for the undo: a step's input by its topic; and its output, whose topic the slip doesn't tell, by the
// rules of all topics.
func (r *Rules) slip(text string, headers []wire.Header) string {
	if text == "" {
		return text
	}
	e, err := wire.Parse(headers, nil)
	if err != nil {
		return Hidden
	}
	stops := e.Route.Stops()
	for i := range stops {
		stops[i].In = r.Payload(stops[i].Topic, stops[i].In)
		stops[i].Out = r.of(func(string) bool { return true }).hide(stops[i].Out)
	}
	masked, err := wire.NewRoute(stops...)
	if err != nil {
		return Hidden
	}
	for _, h := range (&wire.Event{SagaID: e.SagaID, Route: masked}).Headers() {
		if h.Key == wire.HeaderRoute {
			return string(h.Value)
		}
	}
	return ""
}

// Edit gives the payload that somebody has made of a masked letter's, with what is masked as it is in the letter. The letter isn't masked.
func (r *Rules) Edit(l skald.DeadLetter, edited []byte) ([]byte, error) {
	return r.Restore(l.Payload, edited, l.Topic, l.Step)
}
