package skaldtest

import (
	"slices"
	"strings"

	"github.com/skald-saga/skald"
)

// Emitted is the last event that the saga's steps put out to a topic, open-loop ones included. That there is none ends the test, and
// so does one that isn't a T.
func Emitted[Out any](s *Saga, topic skald.Topic[Out]) Out {
	s.w.t.Helper()
	records := s.w.log.topics[string(topic)]
	for _, r := range slices.Backward(records) {
		if r.of == s.of() && !r.fed {
			return decode[Out](s.w, r)
		}
	}
	s.w.t.Fatalf("skaldtest: the saga has put out nothing to %q. It is %s\n%s", string(topic), s.Status(), strings.Join(s.Trace(), "\n"))
	var none Out
	return none
}

// Events are all events that were put out to a topic, by the test too, in order.
func Events[Out any](w *World, topic skald.Topic[Out]) []Out {
	w.t.Helper()
	var all []Out
	for _, r := range w.log.topics[string(topic)] {
		all = append(all, decode[Out](w, r))
	}
	return all
}

func decode[Out any](w *World, r *record) (v Out) {
	w.t.Helper()
	if err := w.codec.Unmarshal(r.Value, &v); err != nil {
		w.t.Fatalf("skaldtest: the event at %d of %q is no %T: %v", r.Offset, r.Topic, v, err)
	}
	return v
}

// DeadLetters are all that were written, in order.
func (w *World) DeadLetters() []skald.DeadLetter {
	var all []skald.DeadLetter
	for _, l := range w.log.letters {
		all = append(all, l.DeadLetter)
	}
	return all
}
