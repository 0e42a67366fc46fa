package traffic

import (
	"slices"
	"sync"
	"time"
)

// What is kept: minutes for an hour and a bit, as a window is rounded up to whole minutes; hours for a week. What lies farther ahead than
// ahead is a clock that is off by more than brokers allow, and isn't counted.
const (
	minutesKept = 62 * time.Minute
	hoursKept   = 7 * 24 * time.Hour
	ahead       = time.Hour

	// maxWays bounds the ways: names come from outside.
	maxWays = 2000
)

// Spans of time, in seconds. Of now there are tokens alone.
const (
	now    int64 = 0
	minute int64 = 60
	hour   int64 = 3600
)

// cell is a way in a time.
type cell struct {
	way         int
	span, since int64 // since is in Unix seconds
}

// Row is a cell as it is stored: Span and Since in seconds, Way and Tally encoded.
type Row struct {
	Span, Since int64
	Way, Tally  []byte

	cell  cell
	tally *Tally
}

// Book is all traffic that is known. Safe for concurrent use.
type Book struct {
	mu     sync.RWMutex
	ways   []Way
	number map[Way]int
	cells  map[cell]*Tally
}

// NewBook makes an empty book.
func NewBook() *Book { return &Book{number: map[Way]int{}, cells: map[cell]*Tally{}} }

// Change is what is to be added to a book. It belongs to one writer.
type Change struct {
	book  *Book
	cells map[cell]*Tally
}

// Change begins a change.
func (b *Book) Change() *Change { return &Change{book: b, cells: map[cell]*Tally{}} }

// Replace counts the flows of a saga as they are after a change of it, and takes back what they were before.
func (c *Change) Replace(before, after []Flow) {
	same := 0
	for same < len(before) && same < len(after) && before[same] == after[same] {
		same++
	}
	for i := range before[same:] {
		c.Add(&before[same+i], -1)
	}
	for i := range after[same:] {
		c.Add(&after[same+i], 1)
	}
}

// Add counts a flow, or takes it back with -1.
func (c *Change) Add(f *Flow, sign int64) {
	way, ok := c.book.way(f.Way)
	if !ok {
		return
	}
	second := int64(time.Second)
	for _, span := range []int64{minute, hour} {
		if f.Produced > 0 {
			at := f.Produced / second
			c.cell(way, span, at-at%span).Events += sign
		}
		if f.Handled > 0 && f.Took >= 0 {
			at := f.Handled / second
			c.cell(way, span, at-at%span).time(bucketOf(f.Took), sign)
		}
	}
	switch f.Token {
	case NoToken:
	case Running:
		c.cell(way, now, 0).Running += sign
	case Retrying:
		c.cell(way, now, 0).Retrying += sign
	case Halted:
		c.cell(way, now, 0).Halted += sign
	}
}

func (c *Change) cell(way int, span, since int64) *Tally {
	key := cell{way, span, since}
	t := c.cells[key]
	if t == nil {
		t = &Tally{}
		c.cells[key] = t
	}
	return t
}

// way gives a way's number; ok is false if there are too many.
func (b *Book) way(w Way) (n int, ok bool) {
	b.mu.RLock()
	n, ok = b.number[w]
	b.mu.RUnlock()
	if ok {
		return n, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ways) >= maxWays {
		return 0, false
	}
	b.number[w] = len(b.ways)
	b.ways = append(b.ways, w)
	return len(b.ways) - 1, true
}

// Rows gives the rows that a change leads to. They are in the book once they have been put there.
func (c *Change) Rows(at time.Time) []Row {
	c.book.mu.RLock()
	defer c.book.mu.RUnlock()
	rows := make([]Row, 0, len(c.cells))
	for key, more := range c.cells {
		if !kept(key.span, key.since, at) {
			continue
		}
		t := &Tally{}
		if known := c.book.cells[key]; known != nil {
			t = known.clone()
		}
		t.Add(more, 1)
		rows = append(rows, Row{Span: key.span, Since: key.since, Way: c.book.ways[key.way].encode(), Tally: t.encode(), cell: key, tally: t})
	}
	return rows
}

func kept(span, since int64, at time.Time) bool {
	if span == now {
		return true
	}
	return since >= Oldest(span, at) && since <= at.Add(ahead).Unix()
}

// Oldest is the beginning of the oldest time of a span that is kept.
func Oldest(span int64, at time.Time) int64 {
	back := minutesKept
	if span == hour {
		back = hoursKept
	}
	oldest := at.Add(-back).Unix()
	return oldest - oldest%span
}

// Spans are those that Oldest is to be asked for.
func Spans() []int64 { return []int64{minute, hour} }

// Put puts rows into the book that a change has led to, once they are stored.
func (b *Book) Put(rows []Row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range rows {
		b.cells[r.cell] = r.tally
	}
}

// Load puts stored rows into the book.
func (b *Book) Load(rows []Row) error {
	known := make([]Row, 0, len(rows))
	for _, r := range rows {
		w, err := decodeWay(r.Way)
		if err != nil {
			return err
		}
		if r.tally, err = decodeTally(r.Tally); err != nil {
			return err
		}
		if n, ok := b.way(w); ok {
			r.cell = cell{n, r.Span, r.Since}
			known = append(known, r)
		}
	}
	b.Put(known)
	return nil
}

// Forget drops what is too old to be kept.
func (b *Book) Forget(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.cells {
		if key.span != now && key.since < Oldest(key.span, at) {
			delete(b.cells, key)
		}
	}
}

// Sight is what is known of a way.
type Sight struct {
	Way    Way
	Window Tally   // in the window, tokens of now included
	Before Tally   // before it
	Minute []Tally // the last 60, the oldest first, the one under way last
}

// WindowStart is when a window begins: at a whole minute, so that it is up to a minute longer.
func WindowStart(window time.Duration, at time.Time) time.Time {
	return at.Add(-window).Truncate(time.Minute)
}

// Look tells of all ways; known may give a way another name, and ways of one name are added up.
func (b *Book) Look(window time.Duration, at time.Time, known func(Way) Way) []Sight {
	b.mu.RLock()
	defer b.mu.RUnlock()
	names := make([]Way, len(b.ways))
	for i, w := range b.ways {
		names[i] = known(w)
	}
	sights := map[Way]*Sight{}
	from, last := WindowStart(window, at).Unix(), at.Unix()/minute
	for key, t := range b.cells {
		w := names[key.way]
		s := sights[w]
		if s == nil {
			s = &Sight{Way: w, Minute: make([]Tally, 60)}
			sights[w] = s
		}
		switch key.span {
		case now:
			s.Window.Add(t, 1)
		case hour:
			s.Before.Add(t, 1)
		default:
			if key.since >= from {
				s.Window.Add(t, 1)
				s.Before.Add(t, -1)
			}
			if i := 59 - (last - key.since/minute); i >= 0 && i < 60 {
				s.Minute[i].Add(t, 1)
			}
		}
	}
	all := make([]Sight, 0, len(sights))
	for _, s := range sights {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Sight) int { return compareWays(a.Way, b.Way) })
	return all
}
