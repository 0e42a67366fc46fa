package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

// fakeTracker tells scripted timelines with the tracker's contract: seq grows with every change, changed is closed after it.
type fakeTracker struct {
	mu       sync.Mutex
	sagas    map[string]tracker.Saga
	seq      int64
	changed  chan struct{}
	services []tracker.Service
	lag      tracker.Lag
	letters  []tracker.Letter
	err      error // what every question is answered with
}

func newFakeTracker() *fakeTracker {
	return &fakeTracker{
		sagas: make(map[string]tracker.Saga), changed: make(chan struct{}),
		lag: tracker.Lag{Reachable: true, Age: 100 * time.Millisecond},
	}
}

// alter changes a saga as a committed batch of the tracker does.
func (f *fakeTracker) alter(id string, change func(*tracker.Saga)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	saga := f.sagas[id]
	saga.Steps = slices.Clone(saga.Steps)
	change(&saga)
	f.seq++
	saga.Seq = f.seq
	f.sagas[saga.ID] = saga
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeTracker) Saga(_ context.Context, id string) (tracker.Saga, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	saga, ok := f.sagas[id]
	if !ok && f.err == nil {
		return saga, tracker.ErrNotFound
	}
	return saga, f.err
}

func (f *fakeTracker) Sagas(_ context.Context, q tracker.Query) (tracker.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.Status != "" && !slices.Contains(tracker.Statuses(), q.Status) {
		return tracker.Page{}, &tracker.QueryError{Field: "status", Problem: "is none of running, halted, completed, rejected"}
	}
	skip := 0
	if q.Cursor != "" {
		var err error
		if skip, err = strconv.Atoi(q.Cursor); err != nil {
			return tracker.Page{}, &tracker.QueryError{Field: "cursor", Problem: "is none that a page gave as next"}
		}
	}
	var page tracker.Page
	all := f.sorted(func(a, b tracker.Saga) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	for _, saga := range all {
		wanted := (q.Workflow == "" || q.Workflow == saga.Workflow) && (q.Status == "" || q.Status == saga.Status) &&
			(q.Search == "" || strings.Contains(saga.Subject, q.Search) || q.Search == saga.ID)
		switch {
		case !wanted:
		case skip > 0:
			skip--
		case len(page.Sagas) < cmp.Or(q.Limit, 50):
			page.Sagas = append(page.Sagas, saga)
		default:
			seen, _ := strconv.Atoi(cmp.Or(q.Cursor, "0"))
			page.Next = strconv.Itoa(seen + len(page.Sagas))
			return page, f.err
		}
	}
	return page, f.err
}

func (f *fakeTracker) ChangedSince(_ context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changed []tracker.Saga
	for _, saga := range f.sorted(func(a, b tracker.Saga) int { return cmp.Compare(a.Seq, b.Seq) }) {
		if saga.Seq > seq && (workflow == "" || workflow == saga.Workflow) && len(changed) < limit {
			changed = append(changed, saga)
		}
	}
	return changed, f.err
}

func (f *fakeTracker) sorted(by func(a, b tracker.Saga) int) []tracker.Saga {
	all := make([]tracker.Saga, 0, len(f.sagas))
	for _, saga := range f.sagas {
		all = append(all, saga)
	}
	slices.SortFunc(all, by)
	return all
}

func (f *fakeTracker) Counts(_ context.Context, workflow string) (map[string]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := make(map[string]int64)
	for _, saga := range f.sagas {
		if workflow == "" || workflow == saga.Workflow {
			counts[saga.Status]++
		}
	}
	return counts, f.err
}

func (f *fakeTracker) Services(context.Context) ([]tracker.Service, error) { return f.services, f.err }

func (f *fakeTracker) Status() tracker.Status {
	return tracker.Status{
		Database: "SQLite x.db", Writes: true, Lag: f.lag, KeepFor: time.Hour, KeepSagas: -1,
		Log: tracker.Horizon{Since: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)},
	}
}

func (f *fakeTracker) Changed() (int64, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seq, f.changed
}

func (f *fakeTracker) Lag() tracker.Lag {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lag
}

// world is a tracker, the demo and a start that goes into the tracker, with a script to move sagas on.
type world struct {
	*fakeTracker
	services fakeServices
	hires    *demo.Hires
	faults   *demo.Faults
	mails    fakeMailbox
	client   fakeClient

	clock    time.Time // the log's time, moved by the script
	serials  int
	starts   []startCall
	startErr error
}

type startCall struct {
	workflow, key string
	input         events.NewUser
}

func newWorld() *world {
	w := &world{fakeTracker: newFakeTracker(), clock: time.Now().Add(-12 * time.Second), serials: 415}
	for _, name := range []string{"provisioner", "authorizer", "notifier"} {
		w.services.states = append(w.services.states, ServiceState{Name: name, Running: true})
	}
	w.hires = demo.NewHires(
		events.NewUser{Name: "Kaia Ben-Ami", Email: "kaia.benami@example.com", Department: "support"},
		events.NewUser{Name: "Lars Ødegaard", Email: "lars.odegaard@example.com", Department: "finance"},
	)
	w.faults = demo.NewFaults(demo.Range{Max: 3 * time.Second}, nil, rand.NewPCG(1, 2))
	return w
}

// config connects a console to the world.
func (w *world) config(t testing.TB) Config {
	return Config{
		Tracker: w, Start: w.start, Client: &w.client, Workflows: []string{"onboarding"}, Broker: "embedded broker 127.0.0.1:9092",
		Demo: &Demo{Services: &w.services, Hires: w.hires, Faults: w.faults, Mailbox: &w.mails}, Logger: testLogger(t),
	}
}

func (w *world) start(_ context.Context, workflow string, input json.RawMessage, key string) (string, error) {
	var user events.NewUser
	if err := json.Unmarshal(input, &user); err != nil {
		return "", fieldErrorOf(err)
	}
	if err := user.Validate(); err != nil {
		return "", err
	}
	w.mu.Lock()
	err := w.startErr
	if err == nil {
		w.starts = append(w.starts, startCall{workflow, key, user})
	}
	w.mu.Unlock()
	if err != nil {
		return "", err
	}
	return w.onboard(user), nil
}

// onboard puts a user before the provisioner.
func (w *world) onboard(user events.NewUser) string {
	id := uuid.Must(uuid.NewV7()).String()
	payload := encoded(user)
	w.alter(id, func(s *tracker.Saga) {
		*s = tracker.Saga{ID: id, Workflow: "onboarding", Subject: user.Email, Status: tracker.Running, Started: w.clock}
		s.Steps = append(s.Steps, tracker.Step{
			Topic: columns[0].Topic, Service: columns[0].Service, State: tracker.StepQueued, Queued: w.clock, EventID: uuid.NewString(), Payload: payload,
		})
	})
	return id
}

// run begins the handler of the saga's current step.
func (w *world) run(id string) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Accepted, step.Started, step.Attempt = tracker.StepRunning, w.clock, w.clock, 1
	})
}

// pass finishes the current step after d and sends the saga on, or ends it.
func (w *world) pass(id string, d time.Duration) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Finished = tracker.StepDone, step.Queued.Add(d)
		if step.Started.IsZero() {
			step.Started = step.Queued
		}
		if len(s.Steps) == len(columns) {
			s.Status, s.Outcome, s.Ended = wire.Completed, wire.Completed, step.Finished
			return
		}
		c := columns[len(s.Steps)]
		s.Steps = append(s.Steps, tracker.Step{
			Hop: len(s.Steps), Topic: c.Topic, Service: c.Service, State: tracker.StepQueued, Queued: step.Finished,
			EventID: uuid.NewString(), Payload: w.payload(c.Topic, s.Steps),
		})
	})
}

// payload is what the services would have sent.
func (w *world) payload(topic string, steps []tracker.Step) []byte {
	var user events.User
	_ = json.Unmarshal(steps[0].Payload, &user)
	var event any
	switch topic {
	case columns[1].Topic:
		w.serials++
		event = events.Authorize{User: user, Device: events.Device{Type: "laptop", Model: "Nordbook 16", Serial: fmt.Sprintf("NB16-%05d", w.serials)}}
	case columns[2].Topic:
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

// halt makes the current step's event a dead letter.
func (w *world) halt(id, reason string) {
	w.alter(id, func(s *tracker.Saga) {
		step := &s.Steps[len(s.Steps)-1]
		step.State, step.Error, step.Started, step.Attempt = tracker.StepHalted, reason, step.Queued, 1
		s.Status, s.Reason = tracker.Halted, reason
	})
}

// complete takes a saga through all its steps, each of which takes d.
func (w *world) complete(id string, d time.Duration) {
	for range columns {
		w.pass(id, d)
	}
}

type fakeServices struct {
	mu     sync.Mutex
	states []ServiceState
	next   signal
}

func (f *fakeServices) List() []ServiceState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.states)
}

func (f *fakeServices) set(name string, running bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.states {
		if f.states[i].Name == name {
			f.states[i].Running = running
			f.next.notify()
			return nil
		}
	}
	return errors.New("no such service")
}

func (f *fakeServices) Play(_ context.Context, name string) error { return f.set(name, true) }
func (f *fakeServices) Stop(_ context.Context, name string) error { return f.set(name, false) }
func (f *fakeServices) Changed() <-chan struct{}                  { return f.next.changed() }

type fakeMailbox struct {
	mu    sync.Mutex
	mails []mailbox.Mail
	next  signal
}

func (f *fakeMailbox) deliver(user events.NewUser, model, serial, access string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first, _, _ := strings.Cut(user.Name, " ")
	f.mails = append(f.mails, mailbox.Mail{
		Seq: uint64(len(f.mails) + 1), MessageID: uuid.NewString() + "@skald.example", From: "onboarding@example.com", To: user.Email, ToName: user.Name,
		Subject: "Welcome, " + first + ": your " + model + " is waiting", Received: at,
		Text: "Dear " + first + ",\r\n\r\nWelcome to " + capital(user.Department) + ". This is ready for you:\r\n\r\n" +
			"  Device   " + model + ", serial " + serial + "\r\n  Access   " + access + "\r\n  Pick up  Service desk, from 09:00 on your first day\r\n\r\n" +
			"If anything is missing, answer this mail.\r\n",
	})
	f.next.notify()
}

func (f *fakeMailbox) Mails(limit int, before uint64) []mailbox.Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []mailbox.Mail
	for _, m := range slices.Backward(f.mails) {
		if len(found) < limit && (before == 0 || m.Seq < before) {
			found = append(found, m)
		}
	}
	return found
}

func (f *fakeMailbox) Count() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.mails))
}

func (f *fakeMailbox) Changed() <-chan struct{} { return f.next.changed() }
