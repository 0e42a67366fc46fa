package skaldtest

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/wire"
)

// T is what a [World] needs of a *testing.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// World is the services under test, the topics between them and a clock, all in memory. It isn't safe for concurrent use.
type World struct {
	t       T
	ctx     context.Context //nolint:containedctx // what handlers' contexts come of
	now     time.Time
	codec   skald.Codec
	members []*member
	log     log
	sagas   int
	asked   int
	twice   bool
	answers map[string]skald.Answer // by the request's ID
	seen    map[string]*story       // by saga, or by the first event of no saga
}

// New makes a world of services. What [skald.Check] finds ends the test.
func New(t T, services ...*skald.Service) *World {
	t.Helper()
	if err := skald.Check(services...); err != nil {
		t.Fatalf("skaldtest: these services can't run:\n%v", err)
	}
	w := &World{
		t: t, ctx: context.Background(), now: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC), codec: skald.JSON{},
		answers: map[string]skald.Answer{}, seen: map[string]*story{},
	}
	if c, ok := t.(interface{ Context() context.Context }); ok {
		w.ctx = c.Context()
	}
	w.log = newLog(w)
	for _, s := range services {
		w.members = append(w.members, w.join(s))
	}
	return w
}

// UseCodec sets the codec of all events, as [skald.Config] has it for services. Default [skald.JSON]. Call it before the first event.
func (w *World) UseCodec(c skald.Codec) { w.codec = c }

// RunTwice has every handler and compensation called twice from now on, and what the first call returns is lost: as when a process is
// killed after the handler did its work and before that was committed. An effect must still happen once: see [skald.IdempotencyKey].
func (w *World) RunTwice() { w.twice = true }

// Now is the time in this world. It begins at nine o'clock on the first of January 2026, UTC.
func (w *World) Now() time.Time { return w.now }

// Advance lets time pass. Attempts, deadlines and whatever else becomes due happens in its order and at its time.
func (w *World) Advance(d time.Duration) {
	w.t.Helper()
	if d < 0 {
		w.t.Fatalf("skaldtest: Advance by %v: time doesn't go back", d)
	}
	until := w.now.Add(d)
	for {
		next := w.nextDue()
		if next.IsZero() || next.After(until) {
			break
		}
		w.now = next
		w.run()
	}
	w.now = until
	w.run()
}

func (w *World) nextDue() (next time.Time) {
	for _, m := range w.members {
		if due := m.due(); due.After(w.now) && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// Ask sends a request to its service, as [skald.Client.Ask] does, and gives the answer: [skald.Cancel], [skald.Abandon],
// [skald.Redrive], [skald.Discard] or [skald.Unblock].
func (w *World) Ask(r skald.Request) skald.Answer {
	w.t.Helper()
	w.asked++
	id := wire.EventID(strconv.Itoa(w.asked), home, "request", 0)
	service, record, err := inside.Request(r, id, w.now)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	w.mustHave(service)
	w.log.append(record)
	w.run()
	return w.answers[id]
}

func (w *World) mustHave(service string) {
	w.t.Helper()
	var names []string
	for _, m := range w.members {
		if m.name == service {
			return
		}
		names = append(names, m.name)
	}
	w.t.Fatalf("skaldtest: service %q was asked, but isn't in this world: give it to New, beside %s", service, strings.Join(names, ", "))
}

// mostTurns is far more than any test needs: a saga may make 10,000 hops.
const mostTurns = 100_000

// run lets the services work until nothing is left to do at this time.
func (w *World) run() {
	w.t.Helper()
	for range mostTurns {
		worked := false
		for _, m := range w.members {
			worked = m.turn() || worked
		}
		if !worked {
			return
		}
	}
	w.t.Fatalf("skaldtest: the services don't come to rest: they go on sending each other events")
}

// codec is the world's codec for services that were made before UseCodec.
type codec struct{ w *World }

func (c codec) ContentType() string                { return c.w.codec.ContentType() }
func (c codec) Marshal(v any) ([]byte, error)      { return c.w.codec.Marshal(v) }
func (c codec) Unmarshal(data []byte, v any) error { return c.w.codec.Unmarshal(data, v) }
