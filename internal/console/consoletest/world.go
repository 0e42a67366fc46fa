package consoletest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// hops are those of the onboarding, in order.
var hops = [...]struct{ Topic, Service string }{
	{string(events.NewUserTopic), "provisioner"},
	{string(events.AuthorizeTopic), "authorizer"},
	{string(events.NotifyTopic), "notifier"},
	{string(events.NotifiedTopic), "provisioner"},
}

// World is a tracker, the demo and a start that goes into the tracker, with a script to move sagas on.
type World struct {
	*Tracker
	Switches Switches
	Hires    *demo.Hires
	Faults   *demo.Faults
	Mails    Mailbox
	Client   Client

	Clock    time.Time // the log's time, moved by the script
	serials  int
	Starts   []Start
	StartErr error
}

// Start is a saga that was started through the console.
type Start struct {
	Workflow, Key string
	Input         events.NewUser
}

func NewWorld() *World {
	w := &World{Tracker: NewTracker(), Clock: time.Now().Add(-12 * time.Second), serials: 415}
	for _, name := range []string{"provisioner", "authorizer", "notifier"} {
		w.Switches.states = append(w.Switches.states, backend.ServiceState{Name: name, Running: true})
	}
	w.Hires = demo.NewHires(
		events.NewUser{Name: "Kaia Ben-Ami", Email: "kaia.benami@example.com", Department: "support"},
		events.NewUser{Name: "Lars Ødegaard", Email: "lars.odegaard@example.com", Department: "finance"},
	)
	w.Faults = demo.NewFaults(demo.Range{Max: 3 * time.Second}, nil, rand.NewPCG(1, 2))
	return w
}

// Config connects a console to the world.
func (w *World) Config(t testing.TB) console.Config {
	return console.Config{
		Tracker: w, Start: w.start, Client: &w.Client, Workflows: []string{"onboarding"}, Broker: "embedded broker 127.0.0.1:9092",
		Demo: &backend.Demo{Services: &w.Switches, Hires: w.Hires, Faults: w.Faults, Mailbox: &w.Mails}, Logger: Logger(t),
	}
}

func (w *World) start(_ context.Context, workflow string, input json.RawMessage, key string) (string, error) {
	var user events.NewUser
	if err := json.Unmarshal(input, &user); err != nil {
		return "", errors.Join(skald.Invalid("name", "%v", err))
	}
	if err := user.Validate(); err != nil {
		return "", err
	}
	w.Mu.Lock()
	err := w.StartErr
	if err == nil {
		w.Starts = append(w.Starts, Start{workflow, key, user})
	}
	w.Mu.Unlock()
	if err != nil {
		return "", err
	}
	return w.Onboard(user), nil
}

// Onboard puts a user before the provisioner.
func (w *World) Onboard(user events.NewUser) string {
	id := uuid.Must(uuid.NewV7()).String()
	payload := encoded(user)
	w.Alter(id, func(s *tracker.Saga) {
		*s = tracker.Saga{ID: id, Workflow: "onboarding", Subject: user.Email, Status: tracker.Running, Started: w.Clock}
		s.Steps = append(s.Steps, tracker.Step{
			Topic: hops[0].Topic, Service: hops[0].Service, State: tracker.StepQueued, Queued: w.Clock, EventID: uuid.NewString(), Payload: payload,
		})
	})
	return id
}

// Run begins the handler of the saga's current step.
func (w *World) Run(id string) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Accepted, step.Started, step.Attempt = tracker.StepRunning, w.Clock, w.Clock, 1
	})
}

// Pass finishes the current step after d and sends the saga on, or ends it.
func (w *World) Pass(id string, d time.Duration) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished = tracker.StepDone, step.Queued.Add(d)
		if step.Started.IsZero() {
			step.Started = step.Queued
		}
		if len(s.Steps) == len(hops) {
			s.Status, s.Outcome, s.Ended = wire.Completed, wire.Completed, step.Finished
			return
		}
		c := hops[len(s.Steps)]
		s.Steps = append(s.Steps, tracker.Step{
			Hop: len(s.Steps), Topic: c.Topic, Service: c.Service, State: tracker.StepQueued, Queued: step.Finished,
			EventID: uuid.NewString(), Payload: w.payload(c.Topic, s.Steps),
		})
	})
}

// payload is what the services would have sent.
func (w *World) payload(topic string, steps []tracker.Step) []byte {
	var user events.User
	_ = json.Unmarshal(steps[0].Payload, &user)
	var event any
	switch topic {
	case hops[1].Topic:
		w.serials++
		event = events.Authorize{User: user, Device: events.Device{Type: "laptop", Model: "Nordbook 16", Serial: fmt.Sprintf("NB16-%05d", w.serials)}}
	case hops[2].Topic:
		grants := map[string][]string{"engineering": {"repo:write", "ci:run", "vpn"}, "sales": {"crm", "vpn"}, "support": {"desk", "vpn"}, "design": {"studio", "vpn"}}
		event = events.Notify{User: user, Grants: grants[user.Department]}
	default:
		event = events.Notified{User: user, MessageID: "abc@skald.example"}
	}
	return encoded(event)
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Halt makes the current step's event a dead letter.
func (w *World) Halt(id, reason string) {
	w.Alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, step.Started, step.Attempt = tracker.StepHalted, reason, step.Queued, 1
		s.Status, s.Reason = tracker.Halted, reason
	})
}

// Complete takes a saga through all its steps, each of which takes d.
func (w *World) Complete(id string, d time.Duration) {
	for range hops {
		w.Pass(id, d)
	}
}

// Only is the ID of the only saga.
func (w *World) Only() string {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	for id := range w.ByID {
		return id
	}
	return ""
}
