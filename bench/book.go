package bench

import (
	"sync"
	"time"
)

// book accounts for every saga of a turn: what was begun, how often each ended, and how long it took. A saga's time runs from
// just before its start is produced to when a read_committed reader sees its outcome.
type book struct {
	mu      sync.Mutex
	sagas   map[string]*entry
	started int
	ended   int // with one outcome or more
	doubled int // with two or more
	failed  int // whose outcome isn't "completed"
	latest  time.Time

	// What is measured. A closed loop measures what ends while the book is open, an open one what begins while it is. Sagas end in
	// bursts, as many as were in one transaction: a closed loop's book opens with the end of a burst and shuts with the end of
	// another, or their rate would be anybody's guess.
	closedLoop bool
	warm, want int // a closed loop opens itself after so many ends, and shuts itself after so many more
	open       bool
	opened     time.Time
	shut       time.Time
	took       []time.Duration
	onOpen     func()
	onShut     func()
}

type entry struct {
	began    time.Time // zero until its starter has told the ID
	measured bool
	outcomes int
	seen     time.Time
	done     chan struct{}
}

func newBook(s spec) *book {
	return &book{
		sagas: map[string]*entry{}, latest: time.Now(),
		closedLoop: s.Rate == 0, warm: s.warmSagas(), want: s.Sagas,
	}
}

// entryOf makes one where there is none: an outcome may be read before the starter knows the saga's ID.
func (b *book) entryOf(id string) *entry {
	e := b.sagas[id]
	if e == nil {
		e = &entry{done: make(chan struct{})}
		b.sagas[id] = e
	}
	return e
}

// begin notes a saga whose start was published. measured says, in an open loop, that it was begun while the book was open.
func (b *book) begin(id string, at time.Time, measured bool) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entryOf(id)
	e.began, e.measured = at, measured
	b.started++
	if e.outcomes > 0 {
		b.settle(e)
	}
	return e
}

// end notes an outcome.
func (b *book) end(id string, at time.Time, outcome string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entryOf(id)
	e.outcomes++
	if outcome != completed {
		b.failed++
	}
	switch e.outcomes {
	case 1:
		e.seen, b.latest = at, at
		if !e.began.IsZero() {
			b.settle(e)
		}
	case 2:
		b.doubled++
	}
}

// settle is called with b.mu held, once per saga, when both its ends are known.
func (b *book) settle(e *entry) {
	b.ended++
	close(e.done)
	if b.closedLoop && b.open || !b.closedLoop && e.measured {
		b.took = append(b.took, e.seen.Sub(e.began))
	}
}

// burst ends what was read at one moment: a closed loop opens and shuts the book.
func (b *book) burst(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.closedLoop:
	case b.opened.IsZero() && b.ended >= b.warm:
		b.openNow(at)
	case b.open && len(b.took) >= b.want:
		b.shutNow(at)
	}
}

// openUp opens an open loop's book.
func (b *book) openUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.openNow(time.Now())
}

// shutDown shuts an open loop's book.
func (b *book) shutDown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shutNow(time.Now())
}

func (b *book) openNow(at time.Time) {
	b.open, b.opened = true, at
	b.onOpen()
}

func (b *book) shutNow(at time.Time) {
	b.open, b.shut = false, at
	b.onShut()
}

// count gives the sagas begun and ended, and when the latest ended.
func (b *book) count() (started, ended int, latest time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started, b.ended, b.latest
}

// result closes the book. Outcomes of sagas that nobody began are strays.
func (b *book) result() *result {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &result{
		Started: b.started, Lost: b.started - b.ended, Doubled: b.doubled, Failed: b.failed,
		Measured: len(b.took), Window: b.shut.Sub(b.opened),
	}
	for _, e := range b.sagas {
		if e.began.IsZero() {
			r.Strays++
		}
	}
	r.P50, r.P99 = percentile(b.took, 50), percentile(b.took, 99)
	return r
}

// result is what a load generator has found.
type result struct {
	Started  int           `json:"started"`
	Lost     int           `json:"lost"`
	Doubled  int           `json:"doubled"`
	Failed   int           `json:"failed"`
	Strays   int           `json:"strays"`
	Measured int           `json:"measured"`
	Window   time.Duration `json:"window"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
}
