package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxRouteBytes bounds the routing slip on a record.
	MaxRouteBytes = 64 << 10
	// MaxRouteStops bounds how many steps of one saga can be undone.
	MaxRouteStops = 256

	routeVersion = 1
)

// Route is the routing slip: the stack of steps that can be undone, the latest last. The first stop is the initiator's, which is the
// way home. It is kept as it stands on the record, as most services only pass it on. The zero value is an empty slip.
type Route struct{ text string }

// Stop is one step on the slip, with what its compensation needs.
type Stop struct {
	Service string `json:"service"`
	Topic   string `json:"topic"`         // the step's input topic, without the namespace prefix
	Key     string `json:"key"`           // the step's idempotency key
	In      []byte `json:"in"`            // empty for a stop that is only the way home
	Out     []byte `json:"out,omitempty"` // nil when the step was attempted but never finished
}

type routeHeader struct {
	Version int    `json:"v"`
	Stops   []Stop `json:"stops"`
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
func (r Route) IsEmpty() bool { return r.text == "" }

// Len counts the stops.
func (r Route) Len() int { return strings.Count(r.text, stopStart) }

// Stops decodes the slip.
func (r Route) Stops() []Stop {
	if r.IsEmpty() {
		return nil
	}
	var h routeHeader
	if err := json.Unmarshal([]byte(r.text), &h); err != nil {
		panic(err) // parseRoute and Push let nothing else in
	}
	return h.Stops
}

// The form in which a slip is written. In it a quote stands only at the ends of a string that has nothing to be escaped.
const (
	routeHead    = `{"v":1,"stops":[`
	routeTail    = `]}`
	stopStart    = `{"service":`
	stopTopic    = `,"topic":`
	stopKey      = `,"key":`
	stopIn       = `,"in":`
	stopOut      = `,"out":`
	stopEnd      = `}`
	stopsBetween = `,`
)

// Push gives the slip with one more stop; the receiver stays as it is, as concurrent sagas share nothing.
func (r Route) Push(s Stop) (Route, error) {
	b := make([]byte, 0, len(r.text)+len(s.Service)+len(s.Topic)+len(s.Key)+base64.StdEncoding.EncodedLen(len(s.In))+
		base64.StdEncoding.EncodedLen(len(s.Out))+96)
	if r.IsEmpty() {
		b = append(b, routeHead...)
	} else {
		b = append(append(b, strings.TrimSuffix(r.text, routeTail)...), stopsBetween...)
	}
	b = appendText(append(b, stopStart...), s.Service)
	b = appendText(append(b, stopTopic...), s.Topic)
	b = appendText(append(b, stopKey...), s.Key)
	b = appendBytes(append(b, stopIn...), s.In)
	if len(s.Out) > 0 {
		b = appendBytes(append(b, stopOut...), s.Out)
	}
	b = append(append(b, stopEnd...), routeTail...)
	next := Route{string(b)}
	if len(next.text) > MaxRouteBytes || strings.Count(next.text, stopStart) > MaxRouteStops {
		return r, ErrRouteTooLong
	}
	return next, nil
}

// Pop gives the latest stop and the slip without it. ok is false when the slip is empty.
func (r Route) Pop() (top Stop, rest Route, ok bool) {
	stops := r.Stops()
	if len(stops) == 0 {
		return Stop{}, Route{}, false
	}
	last := len(stops) - 1
	rest, err := NewRoute(stops[:last]...)
	if err != nil {
		panic(err) // it was longer before
	}
	return stops[last], rest, true
}

func appendBytes(b, data []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), data), '"')
}

// parseRoute reads a slip from a header. One in the form that Push writes, which is as good as every one, is checked by a look at it;
// another is decoded and written again.
func parseRoute(s string) (Route, error) {
	switch {
	case len(s) > MaxRouteBytes:
		return Route{}, fmt.Errorf("%d bytes, at most %d are allowed", len(s), MaxRouteBytes)
	case s == "" || isPlainRoute(s):
		return Route{s}, nil
	}
	var h routeHeader
	if err := json.Unmarshal([]byte(s), &h); err != nil {
		return Route{}, fmt.Errorf("no routing slip: %w", err)
	}
	switch {
	case h.Version != routeVersion:
		return Route{}, fmt.Errorf("routing slip version %d is not known here, only %d", h.Version, routeVersion)
	case len(h.Stops) > MaxRouteStops:
		return Route{}, fmt.Errorf("%d steps, at most %d are allowed", len(h.Stops), MaxRouteStops)
	}
	for _, stop := range h.Stops {
		if stop.Service == "" || stop.Topic == "" {
			return Route{}, errors.New("a step without service or topic")
		}
	}
	return NewRoute(h.Stops...)
}

// isPlainRoute says whether a slip has the form that Push writes, with at least one stop and nothing in its strings that JSON escapes.
func isPlainRoute(s string) bool {
	s, ok := strings.CutPrefix(s, routeHead)
	for stops := 1; ok && stops <= MaxRouteStops; stops++ {
		ok = cutText(&s, stopStart, 1) && cutText(&s, stopTopic, 1) && cutText(&s, stopKey, 0) && cutBytes(&s, stopIn)
		if ok && strings.HasPrefix(s, stopOut) {
			ok = cutBytes(&s, stopOut)
		}
		if !ok {
			return false
		}
		if s == stopEnd+routeTail {
			return true
		}
		s, ok = strings.CutPrefix(s, stopEnd+stopsBetween)
	}
	return false
}

// cutText takes a name and its string, of at least so many bytes, from the front of s.
func cutText(s *string, name string, least int) bool {
	rest, ok := strings.CutPrefix(*s, name+`"`)
	if !ok {
		return false
	}
	end := strings.IndexByte(rest, '"')
	if end < least || !isPlain(rest[:end]) {
		return false
	}
	*s = rest[end+1:]
	return true
}

// cutBytes takes a name and its base64 from the front of s.
func cutBytes(s *string, name string) bool {
	rest, ok := strings.CutPrefix(*s, name+`"`)
	if !ok {
		return false
	}
	data, rest, ok := strings.Cut(rest, `"`)
	if !ok || len(data)%4 != 0 {
		return false
	}
	*s = rest
	data = strings.TrimSuffix(strings.TrimSuffix(data, "="), "=")
	for i := range len(data) {
		if !base64Letters[data[i]] {
			return false
		}
	}
	return true
}

var base64Letters = lettersOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

func lettersOf(s string) (in [256]bool) {
	for i := range len(s) {
		in[s[i]] = true
	}
	return in
}
