package tracker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
	"github.com/skald-saga/skald/internal/wire"
)

// maxListedPayload is up to which size lists carry a step's payload, in bytes. [Tracker.Saga] has every one whole.
const maxListedPayload = 16 << 10

// noPayloads spares reading the records of sagas: of a page of 1,000 that is most of the work.
const noPayloads = -1

// Config says what a tracker reads and where it keeps what it has read.
type Config struct {
	// Connection is how to reach Kafka; client ID and logger are the tracker's own. Default 127.0.0.1:9092, in plaintext.
	Connection kafka.Connection

	// Namespace is the prefix of the topics to read. Default none.
	Namespace wire.Namespace

	// Store is the tracker's alone while it runs. Required; whoever opened it closes it, after Run has returned. Its database may be
	// shared by trackers of the same cluster and namespace (see [Tracker.Run]).
	Store *store.Store

	// KeepFor is how long sagas stay in the store after their end. Default 30 days; negative means for ever.
	KeepFor time.Duration

	// KeepSagas is how many sagas that are over stay in the store, those that ended last. Default 1,000,000; negative means all.
	KeepSagas int64

	// Logger takes what the tracker says. Default slog.Default().
	Logger *slog.Logger

	// Metrics registers the tracker's counters while it runs. Default none.
	Metrics prometheus.Registerer
}

// Tracker reads the log and answers from what it has read. Its methods may be called at any time, also before, beside and after
// Run: they answer from the store. They are safe for concurrent use.
type Tracker struct {
	cfg      Config
	registry *registry
	lag      *lagMeter
	metrics  *metrics
	writes   atomic.Bool
	traffic  atomic.Pointer[traffic.Book] // nil: not read from the store yet
	usuals   usuals

	mu            sync.Mutex
	horizon       Horizon
	horizonTopics int
	seq           int64
	groups        map[string]groupLag // by service
	changed       chan struct{}
}

// New makes a tracker; [Tracker.Run] makes it read.
func New(cfg Config) *Tracker {
	if cfg.Store == nil {
		panic("tracker: Config.Store is required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.KeepFor == 0 {
		cfg.KeepFor = DefaultKeepFor
	}
	if cfg.KeepSagas == 0 {
		cfg.KeepSagas = DefaultKeepSagas
	}
	t := &Tracker{cfg: cfg, registry: newRegistry(), lag: newLagMeter(time.Now()), changed: make(chan struct{})}
	t.metrics = newMetrics(t)
	return t
}

// Saga gives one saga with its steps, or [ErrNotFound].
func (t *Tracker) Saga(ctx context.Context, id string) (Saga, error) {
	row, err := t.row(ctx, id)
	if err != nil {
		return Saga{}, err
	}
	sagas, err := t.tell(ctx, []*store.Saga{row}, 0)
	if err != nil {
		return Saga{}, err
	}
	return sagas[0], nil
}

// Sagas gives one page of those that the query selects, with their steps, in the order that it asks for. Payloads above 16 KiB are left
// out. A query that can't be is a *[QueryError].
//
// Sagas that begin while somebody leafs through the pages don't shift them; one whose start becomes known late may be
// missing from them, or be there twice.
func (t *Tracker) Sagas(ctx context.Context, q Query) (Page, error) {
	if q.Stuck {
		return t.stuckSagas(ctx, q)
	}
	filter, err := q.filter(t.registry)
	if err != nil {
		return Page{}, err
	}
	rows, err := t.list(ctx, q, filter)
	if err != nil {
		return Page{}, err
	}
	page := Page{}
	if len(rows) == filter.Limit {
		rows = rows[:len(rows)-1]
		page.Next = q.encodeCursor(rows[len(rows)-1].Place())
	}
	most := maxListedPayload
	if q.WithoutPayloads {
		most = noPayloads
	}
	page.Sagas, err = t.tell(ctx, rows, most)
	return page, err
}

// list looks for one saga if the search is for an ID, else for all that fit.
func (t *Tracker) list(ctx context.Context, q Query, filter store.Filter) ([]*store.Saga, error) {
	id, ok := parseSagaID(q.Search)
	if !ok {
		return t.cfg.Store.List(ctx, filter)
	}
	row, err := t.cfg.Store.Saga(ctx, id)
	if err != nil || row == nil || q.Cursor != "" || !filter.Selects(row) {
		return nil, err
	}
	if q.Cause != "" {
		s, err := decodeState(row.State)
		if err != nil || !s.failedBy(q.Cause) {
			return nil, err
		}
	}
	return []*store.Saga{row}, nil
}

// ChangedSince gives at most limit sagas that have changed after position seq of the live stream (see [Saga.Seq]), each once
// with its newest state, in the order of their positions. Workflow "" means all; limit 0 means 50, more than 1,000 is a
// *[QueryError]. Whoever goes on from the last position it got misses nothing, also over a restart and a rebuild of the store,
// after which positions are higher than before. Payloads are left out.
func (t *Tracker) ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]Saga, error) {
	limit, err := checkLimit(limit)
	if err != nil {
		return nil, err
	}
	if err := checkText("workflow", workflow, maxName); err != nil {
		return nil, err
	}
	if seq < 0 {
		return nil, &QueryError{"since", "must not be negative"}
	}
	rows, err := t.cfg.Store.ChangedSince(ctx, seq, workflow, limit)
	if err != nil {
		return nil, err
	}
	return t.tell(ctx, rows, noPayloads)
}

// Counts says how many sagas have each status; a status that none has is missing. Workflow "" means all.
func (t *Tracker) Counts(ctx context.Context, workflow string) (map[string]int64, error) {
	if err := checkText("workflow", workflow, maxName); err != nil {
		return nil, err
	}
	return t.cfg.Store.Counts(ctx, workflow)
}

// Services tells of all services that ever announced themselves, by name. An instance is up while its heartbeats come; while
// the broker doesn't answer all stay as they were heard of last. Numbers are as of the last heartbeat, 3 s ago at most.
func (t *Tracker) Services(context.Context) ([]Service, error) {
	t.mu.Lock()
	lags := t.groups
	t.mu.Unlock()
	return t.registry.services(time.Now(), lags), nil
}

// Changed gives the position of the last change and a channel that is closed at the next one: of a saga, or of which services
// are up and what they own; not of their numbers. By then the change can be read. To miss none, call Changed first, then read, then wait.
func (t *Tracker) Changed() (seq int64, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq, t.changed
}

// Lag says how far the tracker is behind.
func (t *Tracker) Lag() Lag { return t.lag.read(time.Now()) }

// announce tells waiters of a change. seq 0 means that no saga has changed.
func (t *Tracker) announce(seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq = max(t.seq, seq)
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *Tracker) row(ctx context.Context, id string) (*store.Saga, error) {
	key, ok := parseSagaID(id)
	if !ok {
		return nil, ErrNotFound
	}
	row, err := t.cfg.Store.Saga(ctx, key)
	if err == nil && (row == nil || row.Status == "") {
		err = ErrNotFound
	}
	return row, err
}

func (t *Tracker) tell(ctx context.Context, rows []*store.Saga, maxPayload int) ([]Saga, error) {
	var records map[store.SagaID][]store.Record
	if maxPayload != noPayloads {
		var err error
		if records, err = t.cfg.Store.Records(ctx, rows, maxPayload); err != nil {
			return nil, err
		}
	}
	readTo, ok := t.lag.caughtUp()
	if !ok {
		readTo = time.Time{}
	}
	now := time.Now()
	usual, err := t.usual(ctx, now)
	if err != nil {
		return nil, err
	}
	sagas := make([]Saga, 0, len(rows))
	for _, row := range rows {
		saga, err := tell(row, records[row.ID], t.registry, readTo)
		if err != nil {
			return nil, err
		}
		saga.judge(usual, now)
		sagas = append(sagas, saga)
	}
	return sagas, nil
}
