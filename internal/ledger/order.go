package ledger

// order knows where in the log the live entries lie, oldest first. Offsets only grow, so it is a queue; an entry that is no
// longer live, or was written again, is passed over when it reaches the front.
type order struct {
	queue []place
	front int
	end   int64 // the next offset of the log, as far as is known
}

type place struct {
	offset int64
	saga   SagaID // of an open saga, when entry is nil
	entry  *Entry
}

func (o *order) push(p place) { o.queue = append(o.queue, p) }

func (o *order) advance(end int64) { o.end = max(o.end, end) }

// drop forgets the dead ones at the front.
func (o *order) drop(alive func(place) bool) {
	for o.front < len(o.queue) && !alive(o.queue[o.front]) {
		o.queue[o.front] = place{}
		o.front++
	}
	// The dead front is kept until it is most of the queue, so that moving the rest costs O(1) per entry.
	if o.front > 64 && o.front > len(o.queue)/2 {
		n := copy(o.queue, o.queue[o.front:])
		clear(o.queue[n:])
		o.queue, o.front = o.queue[:n], 0
	}
}

func (l *Ledger) alive(p place) bool {
	if p.entry != nil {
		return !p.entry.gone && p.entry.offset == p.offset
	}
	o, ok := l.opens[p.saga]
	return ok && o.offset == p.offset
}

// Fence is the offset at which a replay must begin if the transaction under way commits: that of the oldest live entry which
// the log holds already, or else the end of the log, as what the transaction adds comes after it.
func (l *Ledger) Fence() int64 {
	for _, p := range l.log.queue[l.log.front:] {
		if l.alive(p) {
			return p.offset
		}
	}
	return l.log.end
}

// rewriteSlack is how many records the log may hold beyond four times the live ones before old entries are written again.
const rewriteSlack = 4096

// Rewrite puts the oldest live entries again, no more than most, at the head of the log, when they hold back too much of it.
// One entry that lives for a day would otherwise keep a day's log. The cost is bounded: an entry is rewritten only after
// the log has grown by several times what is live.
func (l *Ledger) Rewrite(most int) int {
	if l.log.end-l.Fence() <= int64(rewriteSlack+4*l.Live()) {
		return 0
	}
	n := 0
	for _, p := range l.log.queue[l.log.front:] {
		if n == most {
			break
		}
		if !l.alive(p) {
			continue
		}
		l.putAgain(p)
		n++
	}
	return n
}

func (l *Ledger) putAgain(p place) {
	if e := p.entry; e != nil {
		// Until the commit the entry lies at both places: Fence must not pass the old one in an aborted transaction, and
		// needn't keep it in a committed one.
		e.offset = unwritten
		l.change(Change{Op: Put, Entry: *e, entry: e}, func() { e.offset = p.offset })
		return
	}
	o := l.opens[p.saga]
	o.offset = unwritten
	l.opens[p.saga] = o
	l.change(l.openChange(p.saga, o), func() {
		o.offset = p.offset
		l.opens[p.saga] = o
	})
}
