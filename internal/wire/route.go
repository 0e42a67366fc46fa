package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

const (
	// MaxRouteBytes bounds the routing slip on a record.
	MaxRouteBytes = 64 << 10
	// MaxRouteStops bounds how many steps of one saga can be undone.
	MaxRouteStops = 256

	routeVersion = 1
)

// Route is the routing slip: the stack of steps that can be undone, the latest last. The initiator's own step isn't on it,
// as the initiator keeps that in its ledger.
type Route []Stop

// Stop is one step on the slip, with what its compensation needs.
type Stop struct {
	Service string `json:"service"`
	Topic   string `json:"topic"` // the step's input topic, without the namespace prefix
	Key     string `json:"key"`   // the step's idempotency key
	In      []byte `json:"in"`
	Out     []byte `json:"out,omitempty"` // nil when the step was attempted but never finished
}

type routeHeader struct {
	Version int    `json:"v"`
	Stops   []Stop `json:"stops"`
}

// ErrRouteTooLong says that a step's compensation data doesn't fit on the slip any more.
var ErrRouteTooLong = fmt.Errorf("the routing slip would pass %d KiB or %d steps: let the compensable steps take and give smaller events",
	MaxRouteBytes>>10, MaxRouteStops)

// Push gives the slip with one more stop; the receiver stays as it is, as concurrent sagas share nothing.
func (r Route) Push(s Stop) (Route, error) {
	next := append(slices.Clone(r), s)
	if len(next) > MaxRouteStops || len(next.encode()) > MaxRouteBytes {
		return r, ErrRouteTooLong
	}
	return next, nil
}

func (r Route) encode() string {
	if len(r) == 0 {
		return ""
	}
	b, err := json.Marshal(routeHeader{Version: routeVersion, Stops: r})
	if err != nil {
		panic(err) // strings and bytes only: can't fail
	}
	return string(b)
}

func decodeRoute(s string) (Route, error) {
	if len(s) > MaxRouteBytes {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(s), MaxRouteBytes)
	}
	var h routeHeader
	if err := json.Unmarshal([]byte(s), &h); err != nil {
		return nil, fmt.Errorf("no routing slip: %w", err)
	}
	switch {
	case h.Version != routeVersion:
		return nil, fmt.Errorf("routing slip version %d is not known here, only %d", h.Version, routeVersion)
	case len(h.Stops) > MaxRouteStops:
		return nil, fmt.Errorf("%d steps, at most %d are allowed", len(h.Stops), MaxRouteStops)
	}
	for _, stop := range h.Stops {
		if stop.Service == "" || stop.Topic == "" {
			return nil, errors.New("a step without service or topic")
		}
	}
	return h.Stops, nil
}
