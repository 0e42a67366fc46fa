package ledger

import "time"

// Replaying builds the state from the log: each record once, in the order of offsets, beginning at the fence. Deletions of
// entries that were put before the fence find nothing, which is right.

// ReplayOpen is a put of an open saga, with the change's fields that belong to one. A saga that is being turned round is asked about
// at once.
func (l *Ledger) ReplayOpen(offset int64, saga SagaID, accepted time.Time, c Change) {
	o := open{offset: offset, accepted: accepted.UnixNano(), workflow: c.Workflow, told: c.Told}
	if !c.Deadline.IsZero() {
		o.due = c.Deadline.UnixNano()
	}
	l.opens[saga] = o
	l.clock.add(saga, o)
	if c.Turn.Outcome != "" {
		t := &turn{Turn: c.Turn, next: accepted}
		l.turns[saga] = t
		l.clock.remind(saga, t.next)
	}
	l.log.push(place{offset: offset, saga: saga})
	l.log.advance(offset + 1)
}

// ReplayPut is a put of any other entry.
func (l *Ledger) ReplayPut(offset int64, e Entry) {
	e.offset, e.taken = offset, false
	p := &e
	if before := l.entries[e.ID]; before != nil { // written again
		before.gone = true
		if before.Kind != Checkpoint {
			l.remove(before)
		}
	}
	if e.Kind == Checkpoint {
		l.entries[checkpointID] = p
	} else {
		l.insert(p)
	}
	l.log.push(place{offset: offset, entry: p})
	l.log.advance(offset + 1)
}

// ReplayDelete is a deletion: of an open saga, or of the entry with that ID.
func (l *Ledger) ReplayDelete(offset int64, kind Kind, saga SagaID, id string) {
	l.log.advance(offset + 1)
	if kind == Open {
		delete(l.opens, saga)
		delete(l.turns, saga)
	} else if e := l.entries[id]; e != nil {
		l.remove(e)
	}
}

// ReplayEnd ends a replay: end is the next offset of the log.
func (l *Ledger) ReplayEnd(end int64) {
	l.log.advance(end)
	l.log.drop(l.alive)
}
