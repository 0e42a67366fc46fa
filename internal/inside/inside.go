// Package inside is the door by which package skaldtest, and nobody else, gets at what package skald keeps to itself: a service
// without its types, the event of a start, the record of a request. So skaldtest can run the engine's own protocol, and the public surface
// of skald needs nothing that is there for tests alone.
//
// skald sets the functions when it is initialised. Values of its types pass through as any, as this package can't import it.
package inside

import (
	"time"

	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// What package skald lets skaldtest do.
var (
	// Service strips a *skald.Service of its types. codec is a skald.Codec here and below.
	Service func(service, codec any) engine.Service

	// Output encodes a skald.Event.
	Output func(event, codec any) (engine.Output, error)

	// Start makes the event that begins a saga of a *skald.Workflow, but for its time. options are []skald.StartOption; id is the saga's
	// unless they say otherwise.
	Start func(workflow, input, codec, options any, id string) (*wire.Event, error)

	// Letter reads a skald.DeadLetter. It is false if the record is none.
	Letter func(r *wire.Record) (letter any, ok bool)

	// Request gives the record, for the service's inbox, of a skald.Request with the given ID.
	Request func(request any, id string, at time.Time) (service string, record wire.Record, err error)
)
