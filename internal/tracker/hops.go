package tracker

import (
	"context"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
	"github.com/skald-saga/skald/internal/wire"
)

// Hop is one way of events: from a service (or from outside) through a topic to a service. Times are known to 9 %.
type Hop struct {
	Workflow string // "" for events of no saga: of these no times are known
	From     string // producing service; "" for a client's start or a foreign producer
	Topic    string // without the namespace prefix
	To       string // consuming service; "" if nobody declared to read it
	Undo     bool   // a token on its way back: Topic names the step that is undone, the event lies in To's inbox
	Declared bool   // From declared to emit to Topic (or it is a start), and To to read it

	Events   int64         // in the window, by when they were produced
	Rate     float64       // of these a second
	P50, P99 time.Duration // of the events handled in the window: from produced to the handler's output; 0 unknown
	UsualP99 time.Duration // of those handled before, in a week; 0 if these are fewer than 100
	Minutes  []HopMinute   // the last 60, the oldest first, the one under way last

	Running  int64 // sagas whose token is here now, waiting for the service or being handled
	Retrying int64 // waiting for another attempt, or for what the handler needs
	Halted   int64 // halted or blocked: waiting for a person
	Stuck    int64 // of those that run, see Saga.Stuck; of more than 1,000 that may be, the oldest are looked at
}

// HopMinute is one minute of a hop, by the log's time.
type HopMinute struct {
	Start    time.Time
	Events   int64
	P50, P99 time.Duration
}

// fewest is how many events make a history.
const fewest = 100

// Hops tells of the ways that events took in the last hour, and of those with tokens on them, by workflow and names. The window is a minute to
// an hour; it begins at a whole minute, so it is up to a minute longer. An event counts once, however often it was given to its handler. What
// waited for a person, and what came by clocks that disagree, has no time.
func (t *Tracker) Hops(ctx context.Context, window time.Duration) ([]Hop, error) {
	if window < time.Minute || window > time.Hour {
		return nil, &QueryError{"window", "must be 1 minute to 1 hour"}
	}
	if err := t.loadTraffic(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	hops := t.hops(window, now)
	return hops, t.countStuck(ctx, hops, now)
}

func (t *Tracker) hops(window time.Duration, now time.Time) []Hop {
	over := now.Sub(traffic.WindowStart(window, now)).Seconds()
	first := now.Truncate(time.Minute).Add(-59 * time.Minute).UTC()
	var hops []Hop
	for _, s := range t.traffic.Load().Look(window, now, t.registry.named) {
		w := s.Way
		h := Hop{
			Workflow: w.Workflow, From: w.From, Topic: w.Topic, To: w.To, Undo: w.Undo, Declared: t.registry.declaredWay(w),
			Events: max(0, s.Window.Events), P50: s.Window.Quantile(.5), P99: s.Window.Quantile(.99),
			Running: max(0, s.Window.Running), Retrying: max(0, s.Window.Retrying), Halted: max(0, s.Window.Halted),
		}
		h.Rate = float64(h.Events) / over
		if s.Before.Handled() >= fewest {
			h.UsualP99 = s.Before.Quantile(.99)
		}
		seen := h.Running+h.Retrying+h.Halted+h.Events+s.Window.Handled() > 0
		for i := range s.Minute {
			m := &s.Minute[i]
			seen = seen || m.Events > 0 || m.Handled() > 0
			h.Minutes = append(h.Minutes, HopMinute{
				Start: first.Add(time.Duration(i) * time.Minute), Events: max(0, m.Events), P50: m.Quantile(.5), P99: m.Quantile(.99),
			})
		}
		if seen && (w.Workflow != "" || !t.registry.adopted(w)) {
			hops = append(hops, h)
		}
	}
	return hops
}

// named gives a way that nobody was heard of to have taken yet the service that takes it.
func (r *registry) named(w traffic.Way) traffic.Way {
	if w.To == "" {
		w.To = r.takes(w.Topic, w.Workflow)
	}
	return w
}

// adopted says whether events of no saga become starts of one, and are counted as that.
func (r *registry) adopted(w traffic.Way) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.ContainsFunc(r.takers[w.Topic], func(t wireTaker) bool { return t.role == wire.RoleBegin })
}

// declaredWay says whether both ends of a way have declared it.
func (r *registry) declaredWay(w traffic.Way) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	takes, ok := r.steps[[2]string{w.To, w.Topic}]
	if w.Undo {
		return ok && takes.Compensable
	}
	if !ok {
		return false
	}
	if w.From == "" {
		return takes.Role == wire.RoleBegin
	}
	for key, s := range r.steps {
		if key[0] == w.From && (slices.Contains(s.Next, w.Topic) || slices.Contains(s.Emits, w.Topic) ||
			slices.ContainsFunc(s.NextFor, func(f wire.Successor) bool { return f.Topic == w.Topic })) {
			return true
		}
	}
	return false
}

// loadTraffic reads the traffic from the store, once. Who writes to the store has it, and a standby reads what is added.
func (t *Tracker) loadTraffic(ctx context.Context) error {
	if t.traffic.Load() != nil {
		return nil
	}
	book := traffic.NewBook()
	if err := t.readTraffic(ctx, book, 0); err != nil {
		return err
	}
	t.traffic.CompareAndSwap(nil, book)
	return nil
}

func (t *Tracker) readTraffic(ctx context.Context, book *traffic.Book, seq int64) error {
	stored, err := t.cfg.Store.Traffic(ctx, seq)
	if err != nil {
		return err
	}
	rows := make([]traffic.Row, 0, len(stored))
	for _, s := range stored {
		rows = append(rows, traffic.Row{Span: s.Span, Since: s.Since, Way: s.Way, Tally: s.Tally})
	}
	return book.Load(rows)
}

// saveTraffic writes what a change of the traffic leads to; it counts once the rows are put into the book.
func saveTraffic(tx *store.Tx, rows []traffic.Row) error {
	stored := make([]store.Traffic, 0, len(rows))
	for _, r := range rows {
		stored = append(stored, store.Traffic{Span: r.Span, Since: r.Since, Way: r.Way, Tally: r.Tally})
	}
	return tx.SaveTraffic(stored)
}
