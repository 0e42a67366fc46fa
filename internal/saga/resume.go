package saga

import (
	"github.com/skald-saga/skald/internal/ledger"
)

// Resume starts the work that lies in a ledger and may run now, no more than most.
func (b *Batch) Resume(l *ledger.Ledger, most int) {
	if b.m.Stopping {
		return
	}
	for _, entry := range l.Ready(b.now, most, b.m.Places(b.d, b.now)) {
		b.resume(l, entry)
	}
}

func (b *Batch) resume(l *ledger.Ledger, entry *ledger.Entry) {
	it := entry.Data.(*Item)
	it.Entry = entry
	if it.Step == nil && it.Undo == nil {
		b.orphan(it, l)
		return
	}
	if b.settled(it, l) {
		return
	}
	attempt := entry.Attempt + 1
	if !entry.Started.IsZero() {
		attempt = max(1, entry.Attempt) // it was interrupted, and counts once
	}
	if e := b.d.Find(it.Key); e != nil { // its handler still runs in this process
		e.Item = it
		e.Attempt = max(e.Attempt, attempt) // others may have had the partition meanwhile, and failed
		if e.Done {
			b.conclude(e)
		}
		return
	}
	b.start(it, attempt)
}

// orphan halts work whose step no longer exists: nobody can run it, and nobody may drop it.
func (b *Batch) orphan(it *Item, l *ledger.Ledger) {
	l.GiveBack(it.Entry)
	f := poison("service %q has no step on topic %q any more: bring the step back, or discard the work", b.m.Service, it.Topic)
	b.giveUp(it, f, it.Entry.Attempt)
}
