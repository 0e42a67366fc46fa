package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// MaxRouteBytes bounds the routing slip on a record.
	MaxRouteBytes = 64 << 10
	// MaxRouteStops bounds how many steps of one saga can be undone.
	MaxRouteStops = 256
)

// Route is the routing slip: the stack of steps that can be undone, the latest last. The first stop is the initiator's, which is the
// way home. It is kept as it stands on the record, as most services only pass it on. The zero value is an empty slip.
type Route struct {
	text  []byte // part of the record it was read from, and never written to
	stops int
}

// Stop is one step on the slip, with what its compensation needs.
type Stop struct {
	Service string
	Topic   string // the step's input topic, without the namespace prefix
	Effect  string // what the step's effect belongs to: the saga, by whose ID its idempotency key is made
	In      []byte // empty for a stop that is only the way home
	Out     []byte // empty when the step was attempted but never finished
}

// ErrRouteTooLong says that a step's compensation data doesn't fit on the slip any more.
var ErrRouteTooLong = fmt.Errorf("the routing slip would pass %d KiB or %d steps: let the compensable steps take and give smaller events",
	MaxRouteBytes>>10, MaxRouteStops)

// NewRoute makes a slip of stops.
func NewRoute(stops ...Stop) (r Route, err error) {
	for _, s := range stops {
		if r, err = r.Push(s); err != nil {
			return Route{}, err
		}
	}
	return r, nil
}

// IsEmpty says that there is nothing to undo.
func (r Route) IsEmpty() bool { return r.stops == 0 }

// Len counts the stops.
func (r Route) Len() int { return r.stops }

// Stops decodes the slip.
func (r Route) Stops() []Stop {
	if r.IsEmpty() {
		return nil
	}
	stops := make([]Stop, 0, r.stops)
	for s := r.slip(); s.next(); {
		stops = append(stops, s.stop())
	}
	return stops
}

// Push gives the slip with one more stop; the receiver stays as it is, as concurrent sagas share nothing.
func (r Route) Push(stop Stop) (Route, error) {
	pushed, _, err := r.AppendPush(nil, stop)
	return pushed, err
}

// AppendPush is Push, but appends the slip's text to room and gives what that became. The slip is good for as long as nobody else
// writes to room.
func (r Route) AppendPush(room []byte, stop Stop) (Route, []byte, error) {
	s := r.slip()
	for s.next() { // to the top
	}
	from := len(room)
	room = appendStop(room, r.text, &s, stop)
	text := slices.Clip(room[from:])
	if len(text) > MaxRouteBytes || r.stops >= MaxRouteStops {
		return r, room[:from], ErrRouteTooLong
	}
	return Route{text, r.stops + 1}, room, nil
}

// Pop gives the latest stop and the slip without it. ok is false when the slip is empty.
func (r Route) Pop() (top Stop, rest Route, ok bool) {
	if r.IsEmpty() {
		return Stop{}, Route{}, false
	}
	s := r.slip()
	for s.next() { // to the top
	}
	if r.stops > 1 {
		rest = Route{r.text[:s.from:s.from], r.stops - 1}
	}
	return s.stop(), rest, true
}

func (r Route) slip() slipReader {
	if r.IsEmpty() {
		return slipReader{}
	}
	return slipReader{text: r.text, at: len(slipHead)}
}

// parseRoute checks a slip by a look at it. Nothing is decoded: most services only pass it on.
func parseRoute(text []byte) (Route, error) {
	switch {
	case len(text) == 0:
		return Route{}, nil
	case len(text) > MaxRouteBytes:
		return Route{}, fmt.Errorf("%d bytes, at most %d are allowed", len(text), MaxRouteBytes)
	case !bytes.HasPrefix(text, []byte(slipHead)):
		if version, _, ok := bytes.Cut(text, []byte(";")); ok && isNumber(version) {
			return Route{}, fmt.Errorf("routing slip version %s is not known here, only %s", clip(string(version)), strings.TrimSuffix(slipHead, ";"))
		}
		return Route{}, errors.New("no routing slip")
	}
	s := slipReader{text: text, at: len(slipHead)}
	stops := 0
	for s.next() {
		switch stops++; {
		case stops > MaxRouteStops:
			return Route{}, fmt.Errorf("more than the %d steps that are allowed", MaxRouteStops)
		case len(s.service.bytes) == 0 || len(s.topic.bytes) == 0:
			return Route{}, errors.New("a step without service or topic")
		}
	}
	if s.err != nil {
		return Route{}, fmt.Errorf("no routing slip: %w", s.err)
	}
	if stops == 0 {
		return Route{}, nil
	}
	return Route{text, stops}, nil
}

func isNumber(b []byte) bool { return len(b) > 0 && len(bytes.Trim(b, "0123456789")) == 0 }
