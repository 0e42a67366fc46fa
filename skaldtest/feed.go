package skaldtest

import (
	"fmt"
	"strconv"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/wire"
)

// home stands for whatever is outside of the world: it began the sagas whose events are sent by Send, and ends them.
const home = "skaldtest"

// Start starts a saga of a workflow, as a client's [skald.Workflow.Start] does, and runs the services until nothing is left to do now. An
// input that Start would refuse ends the test.
func Start[In, End any](w *World, workflow *skald.Workflow[In, End], input In, options ...skald.StartOption) *Saga {
	w.t.Helper()
	w.sagas++
	e, err := inside.Start(workflow, input, w.codec, options, wire.SagaIDFor(workflow.Name(), fmt.Sprint(home, w.sagas)))
	if err != nil {
		w.t.Fatalf("skaldtest: the start of %q is refused: %v", workflow.Name(), err)
		return nil
	}
	w.feed(e)
	return &Saga{w, e.SagaID}
}

// Send sends an event of a saga that was begun elsewhere: as the event would come if the services before were there. If the saga is turned
// round, the test plays its initiator: the saga ends when what was done here is undone. With a nil workflow the event belongs to no
// saga, as a foreign producer's does; an initiator takes one on its start topic for the beginning of a saga.
func Send[In any](w *World, workflow skald.AnyWorkflow, topic skald.Topic[In], v In) *Saga {
	w.t.Helper()
	w.sagas++
	out, err := inside.Output(topic.Event(v), w.codec)
	if err != nil {
		w.t.Fatalf("skaldtest: %v", err)
		return nil
	}
	number := strconv.Itoa(w.sagas)
	e := &wire.Event{
		ID: wire.EventID(number, home, out.Topic, 0), Source: "/" + home, Type: out.Topic,
		DataSchema: out.Schema, ContentType: out.ContentType, Payload: out.Payload,
	}
	id := e.ID
	if workflow != nil {
		id = wire.SagaIDFor(workflow.Name(), home+number)
		e.SagaID, e.Workflow, e.Hop = id, workflow.Name(), 1
		e.Route, err = wire.NewRoute(wire.Stop{Service: home, Topic: "start", Effect: id})
		if err != nil {
			w.t.Fatalf("skaldtest: %v", err)
		}
	}
	w.feed(e)
	return &Saga{w, id}
}

func (w *World) feed(e *wire.Event) {
	w.t.Helper()
	e.Time = w.now
	r := w.log.append(wire.Record{Topic: e.Type, Key: []byte(e.SagaID), Headers: e.Headers(), Value: e.Payload})
	r.fed = true
	w.run()
}
