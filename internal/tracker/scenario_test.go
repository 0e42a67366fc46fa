package tracker

import (
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/wire"
)

// scenario says what happens to one onboarding saga; its records are made as the engine makes them.
type scenario struct {
	Number      int
	Adopted     bool    // a foreign producer's record begins it
	Foreign     bool    // the service authorizer is a foreign one, whose event IDs aren't UUIDs
	Parked      [4]bool // the step's work goes through the ledger
	Queued      [4]bool // and queues there first
	Unavailable [4]bool // and waits for what its handler needs
	Retried     [4]bool // and takes a second attempt
	Misplaced   [4]bool // the step's event is forwarded through the service's inbox
	HaltedAt    int     // the step whose event becomes a dead letter, 4 for none
	Redriven    bool    // and is given back
	HaltsTwice  bool    // and becomes a dead letter once more
	Stops       int     // how many steps are done before the log ends, 4 for all
	Notes       bool    // a late duplicate is ignored
	Watched     bool    // a watcher's dead letter, which halts nothing
	OpenLoop    bool    // a step emits an event beside its output
	Twice       bool    // an outcome is written twice, which must not be, with different reasons
	Overdue     bool    // the deadline passes while the step with the number Stops is at work
	undoing
}

// undoing says how a saga is turned round and undone.
type undoing struct {
	TurnedAt  int    // the step at which it is turned round, 4 for none; a halted one is discarded there
	As        string // the outcome that it is to have
	Asked     bool   // a command asked for it, before it was found
	UndoTries bool   // each undo takes a second attempt
	BlockedAt int    // the undo, counted from 0, that is blocked; 4 for none
	Unblocked bool   // and goes on
	UndoStops int    // how many undos are done before the log ends, 4 for all
}

func drawScenario(t *rapid.T, number int) scenario {
	four := func(label string) (a [4]bool) {
		copy(a[:], rapid.SliceOfN(rapid.Bool(), 4, 4).Draw(t, label))
		return a
	}
	flag := func(label string) bool { return rapid.Bool().Draw(t, label) }
	upTo4 := func(label string) int { return rapid.SampledFrom([]int{0, 1, 2, 3, 4, 4, 4, 4}).Draw(t, label) }
	return scenario{
		Number: number, Adopted: flag("adopted"), Foreign: flag("foreign"), Parked: four("parked"), Queued: four("queued"),
		Unavailable: four("unavailable"), Retried: four("retried"), Misplaced: four("misplaced"), HaltedAt: upTo4("haltedAt"),
		Redriven: flag("redriven"), HaltsTwice: flag("haltsTwice"), Stops: upTo4("stops"), Notes: flag("notes"),
		Watched: flag("watched"), OpenLoop: flag("openLoop"), Twice: flag("twice"), Overdue: flag("overdue"),
		undoing: undoing{
			TurnedAt: upTo4("turnedAt"), As: rapid.SampledFrom([]string{wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned}).Draw(t, "as"),
			Asked: flag("asked"), UndoTries: flag("undoTries"), BlockedAt: upTo4("blockedAt"), Unblocked: flag("unblocked"), UndoStops: upTo4("undoStops"),
		},
	}
}

// plain is the saga that everything goes well with.
func plain(number int) scenario {
	return scenario{Number: number, HaltedAt: 4, Stops: 4, undoing: undoing{TurnedAt: 4, As: wire.Rejected, BlockedAt: 4, UndoStops: 4}}
}

// The chain: services, their input topics, and where they send.
var chain = []struct{ service, topic, role string }{
	{"provisioner", "new-user", wire.RoleBegin},
	{"authorizer", "authorize", wire.RoleStep},
	{"notifier", "notify", wire.RoleStep},
	{"provisioner", "notified", wire.RoleEnd},
}

var announcements = []wire.Announcement{
	{Service: "provisioner", Instance: "one", Every: 3000, Steps: []wire.Step{
		{Topic: "new-user", Role: wire.RoleBegin, Workflow: "onboarding", EndTopic: "notified", Next: []string{"authorize"}},
		{Topic: "notified", Role: wire.RoleEnd, Workflow: "onboarding"},
	}},
	{Service: "authorizer", Instance: "one", Every: 3000, Steps: []wire.Step{
		{Topic: "authorize", Role: wire.RoleStep, Next: []string{"notify"}, Emits: []string{"audit"}, Attempts: 5, UndoAttempts: 15},
	}},
	{Service: "notifier", Instance: "one", Every: 3000, Steps: []wire.Step{{Topic: "notify", Role: wire.RoleStep, Next: []string{"notified"}}}},
}

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// journal is a log: records by topic and partition, with their offsets.
type journal struct {
	records []wire.Record
	ends    map[string]int64
	now     time.Time
}

const journalPartitions = 4

func newJournal() *journal { return &journal{ends: map[string]int64{}, now: epoch} }

func (j *journal) add(topic string, partition int32, key string, headers []wire.Header, value []byte) wire.Record {
	place := fmt.Sprint(topic, "/", partition)
	r := wire.Record{
		Topic: topic, Partition: partition, Offset: j.ends[place], Time: j.now, Key: []byte(key), Headers: headers, Value: value,
	}
	j.ends[place]++
	j.records = append(j.records, r)
	return r
}

func (j *journal) tick() time.Time {
	j.now = j.now.Add(7 * time.Millisecond)
	return j.now
}

// writer writes one saga's records.
type sagaWriter struct {
	*journal
	scenario
	id        string
	partition int32
}

// write adds a saga's records to the log.
func (j *journal) write(s scenario) string {
	w := &sagaWriter{journal: j, scenario: s, id: wire.SagaIDFor("onboarding", fmt.Sprint(s.Number)), partition: int32(s.Number % journalPartitions)}
	w.run()
	return w.id
}

func (w *sagaWriter) run() {
	event := w.start()
	for i := range chain {
		next, ok := w.step(i, event)
		if !ok {
			return
		}
		event = next
	}
}

func (w *sagaWriter) start() *wire.Event {
	subject := fmt.Sprintf("ada.%d@example.com", w.Number)
	e := &wire.Event{
		ID: wire.SagaIDFor("event", fmt.Sprint(w.Number)), Source: "/skald/client", Type: "new-user", Time: w.tick(), Subject: subject,
		ContentType: "application/json", SagaID: w.id, Workflow: "onboarding", Payload: fmt.Appendf(nil, `{"email":%q}`, subject),
	}
	if w.Adopted {
		foreign := w.add("new-user", (w.partition+1)%journalPartitions, "", nil, e.Payload)
		e.ID = wire.EventID(wire.RecordID("new-user", foreign.Partition, foreign.Offset), "provisioner", "new-user", 0)
		e.Source, e.CausationID = "/skald/provisioner", "not-a-step"
		w.forward("provisioner", "new-user", e)
		return e
	}
	w.send(0, e)
	return e
}

// send puts an event on the topic of the step that takes it.
func (w *sagaWriter) send(step int, e *wire.Event) {
	c := chain[step]
	if w.Misplaced[step] {
		w.add(c.topic, (w.partition+1)%journalPartitions, e.SagaID, e.Headers(), e.Payload)
		w.forward(c.service, c.topic, e)
		return
	}
	w.add(c.topic, w.partition, e.SagaID, e.Headers(), e.Payload)
}

func (w *sagaWriter) forward(service, topic string, e *wire.Event) {
	headers := append([]wire.Header{{Key: wire.HeaderOrigin, Value: []byte(topic)}}, e.Headers()...)
	w.add("skald."+service+".inbox", w.partition, e.SagaID, headers, e.Payload)
}

// step is what the service of the chain's step does with the event; ok is false if the story ends there.
func (w *sagaWriter) step(i int, in *wire.Event) (out *wire.Event, ok bool) {
	c := chain[i]
	if i >= w.Stops && !w.Parked[i] {
		return nil, false
	}
	id := eventID(in, c.topic, &wire.Record{})
	accepted := w.tick()
	if c.role == wire.RoleBegin {
		w.ledger(c.service, wire.LedgerRecord{
			Op: wire.OpPut, Kind: wire.KindOpen, ID: w.id, Workflow: "onboarding", Accepted: accepted, Due: epoch.Add(24 * time.Hour),
		})
	}
	work := wire.LedgerRecord{Op: wire.OpPut, Kind: wire.KindWork, ID: id, Workflow: "onboarding", Step: c.topic, Accepted: accepted, State: wire.StateQueued}
	if w.Queued[i] {
		w.ledger(c.service, work)
	}
	work.Started, work.Attempt = w.tick(), 1
	if w.Parked[i] {
		work.State = wire.StateRunning
		w.ledger(c.service, work)
	}
	if w.Unavailable[i] {
		kept := work
		kept.Started, kept.Attempt, kept.Error, kept.State = time.Time{}, 0, "connection refused", wire.StateUnavailable
		w.ledger(c.service, kept)
	}
	if w.Retried[i] {
		kept := work
		kept.Started, kept.Error, kept.State, kept.Due = time.Time{}, "SMTP 451", wire.StateRetrying, w.tick().Add(time.Second)
		w.ledger(c.service, kept)
		work.Attempt, work.Error = 2, kept.Error
	}
	if i >= w.Stops {
		w.asked(i)
		return nil, false
	}
	if i == w.HaltedAt && !w.haltsAt(i, in, work) {
		return nil, false
	}
	if i == w.TurnedAt {
		w.asked(i)
		w.turn(i, in)
		return nil, false
	}
	w.aside(i, in)
	return w.conclude(i, in, work), true
}

// haltsAt makes a dead letter of a step's event, or two; it is true if the event was given back after the last.
func (w *sagaWriter) haltsAt(i int, in *wire.Event, work wire.LedgerRecord) bool {
	c := chain[i]
	for redrives := range 2 {
		letter := wire.LetterID(work.ID, c.service, c.topic, redrives)
		r := w.letter(c.service, c.topic, in, letter, work.Attempt, "no device left", true)
		w.ledger(c.service, wire.LedgerRecord{
			Op: wire.OpPut, Kind: wire.KindHalted, ID: work.ID, Step: c.topic, Accepted: work.Accepted, Attempt: work.Attempt, Error: "no device left",
			State: wire.StateHalted, Letter: letter, Redrives: redrives,
		})
		if w.TurnedAt == i || !w.Redriven {
			return w.TurnedAt == i
		}
		w.command(c.service, wire.Command{Kind: wire.CommandRedrive, Letter: &wire.LetterRef{
			ID: letter, Event: work.ID, Partition: r.Partition, Offset: r.Offset,
		}}, in)
		w.ledger(c.service, wire.LedgerRecord{
			Op: wire.OpPut, Kind: wire.KindWork, ID: work.ID, Step: c.topic, Accepted: work.Accepted, State: wire.StateQueued, Redrives: redrives + 1,
		})
		if !w.HaltsTwice {
			break
		}
	}
	return true
}

// aside writes what happens beside the chain.
func (w *sagaWriter) aside(i int, in *wire.Event) {
	c := chain[i]
	if w.Notes {
		w.ledger(c.service, wire.LedgerRecord{
			Op: wire.OpNote, ID: in.ID, Workflow: "onboarding", Step: c.topic, Accepted: w.tick(), Reason: "duplicate",
		})
	}
	if w.Watched {
		w.letter("watcher", c.topic, in, wire.LetterID(in.ID, "watcher", c.topic, 0), 1, "a watcher's own trouble", false)
	}
	if w.OpenLoop {
		e := wire.Event{ID: wire.EventID(in.ID, c.service, c.topic, 2), Source: wire.Source(c.service), Type: "audit", Time: w.tick(), ParentSaga: w.id}
		w.add("audit", w.partition, w.id, e.Headers(), []byte(`{}`))
	}
}

// conclude writes the output of a step, or the outcome.
func (w *sagaWriter) conclude(i int, in *wire.Event, work wire.LedgerRecord) *wire.Event {
	c := chain[i]
	out := &wire.Event{
		ID: wire.EventID(in.ID, c.service, c.topic, 1), Source: wire.Source(c.service), Time: w.tick(), Subject: in.Subject,
		SagaID: w.id, Workflow: "onboarding", CausationID: in.ID, Hop: in.Hop + 1, ContentType: "application/json",
		Accepted: work.Accepted, Started: work.Started, Attempt: work.Attempt, LastError: work.Error,
		Payload: fmt.Appendf(nil, `{"by":%q}`, c.service),
	}
	if w.Foreign && c.service == "authorizer" {
		out.ID, out.Source = fmt.Sprint("message-", w.Number), "https://example.com/authorizer"
	}
	if i == len(chain)-1 {
		w.outcome(out, work, "")
		if w.Twice {
			w.outcome(out, work, "a second one")
		}
		return out
	}
	out.Type = chain[i+1].topic
	w.send(i+1, out)
	return out
}

func (w *sagaWriter) outcome(e *wire.Event, work wire.LedgerRecord, reason string) {
	e.Type = wire.OutcomeType
	e.Payload = wire.Outcome{Outcome: wire.Completed, Reason: reason, Started: work.Accepted, Ended: e.Time}.Encode()
	w.add("skald.outcomes", w.partition, w.id, e.Headers(), e.Payload)
	w.ledger("provisioner", wire.LedgerRecord{Op: wire.OpDelete, Kind: wire.KindOpen, ID: w.id})
}

func (w *sagaWriter) ledger(service string, r wire.LedgerRecord) {
	r.Saga = w.id
	w.add("skald."+service+".ledger", w.partition, r.ID, nil, r.Encode())
}

func (w *sagaWriter) letter(service, topic string, in *wire.Event, id string, attempts int, problem string, halted bool) wire.Record {
	l := wire.Letter{
		ID: id, Event: eventID(in, topic, &wire.Record{}), Service: service, Step: topic, Attempts: attempts, Class: wire.ClassFailed,
		Error: problem, Time: w.tick(), Halted: halted,
		Record: wire.Record{Topic: topic, Partition: w.partition, Headers: in.Headers(), Value: in.Payload},
	}
	return w.add("skald.dlq", w.partition, w.id, l.Headers(), l.Value())
}

func mustJSON(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
}
