package skald

import (
	"time"

	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/wire"
)

func init() { //nolint:gochecknoinits // it is how skaldtest gets in (internal/inside)
	inside.Service = func(service, codec any) engine.Service {
		return service.(*Service).engineService(codec.(Codec))
	}
	inside.Output = func(event, codec any) (engine.Output, error) {
		outputs, err := encodeAll([]Event{event.(Event)}, codec.(Codec))
		if err != nil {
			return engine.Output{}, err
		}
		return outputs[0], nil
	}
	inside.Start = func(workflow, input, codec, options any, id string) (*wire.Event, error) {
		o := startOptions{id: id}
		for _, option := range options.([]StartOption) {
			option(&o)
		}
		return workflow.(interface {
			anyEvent(input any, codec Codec, o startOptions) (*wire.Event, error)
		}).anyEvent(input, codec.(Codec), o)
	}
	inside.Letter = func(r *wire.Record) (any, bool) { return letterIn(r) }
	inside.Request = func(request any, id string, at time.Time) (string, wire.Record, error) {
		r := request.(Request)
		if r.err != nil {
			return r.service, wire.Record{}, r.err
		}
		r.command.ID, r.command.Time = id, at
		return r.service, r.record(), nil
	}
}

func (w *Workflow[Start, End]) anyEvent(input any, codec Codec, o startOptions) (*wire.Event, error) {
	return w.event(input.(Start), codec, o)
}
