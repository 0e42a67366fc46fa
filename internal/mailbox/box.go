package mailbox

import (
	"sync"
	"time"
)

// Mail is a mail as a person would see it.
type Mail struct {
	Seq       uint64 // counts from 1 in the order of arrival, and isn't used again after Clear
	MessageID string // without angle brackets; empty if there was none
	From      string
	To        string // the recipients' addresses, as the sender's server named them
	ToName    string
	Subject   string
	Text      string // the plain text, at most 64 KiB of it
	Received  time.Time
}

// size is what a mail takes in memory, more or less.
func (m *Mail) size() int {
	const fixed = 200
	return fixed + len(m.MessageID) + len(m.From) + len(m.To) + len(m.ToName) + len(m.Subject) + len(m.Text)
}

// box is what is kept. Seqs have no gaps, so a mail's place follows from its Seq.
type box struct {
	keep, keepBytes int

	mu      sync.Mutex
	kept    []Mail // the oldest first; those before index first were dropped
	first   int
	bytes   int
	last    uint64 // Seq of the newest one
	count   int64
	repeats int64
	seen    *recent
	changed chan struct{} // nil as long as nobody has asked for it
}

func newBox(keep, keepBytes int) *box {
	return &box{keep: keep, keepBytes: keepBytes, seen: newRecent(remembered)}
}

func (b *box) add(mail Mail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.tell()
	if mail.MessageID != "" && !b.seen.add(mail.MessageID) {
		b.repeats++
		return
	}
	b.last++
	b.count++
	mail.Seq = b.last
	b.kept = append(b.kept, mail)
	b.bytes += mail.size()
	b.trim()
}

// trim drops the oldest ones beyond the bounds, but never the newest. What was dropped is cut off once it is half of the slice.
func (b *box) trim() {
	for n := len(b.kept) - b.first; n > 1 && (n > b.keep || b.bytes > b.keepBytes); n-- {
		b.bytes -= b.kept[b.first].size()
		b.kept[b.first] = Mail{}
		b.first++
	}
	if b.first > len(b.kept)/2 {
		n := copy(b.kept, b.kept[b.first:])
		clear(b.kept[n:])
		b.kept, b.first = b.kept[:n], 0
	}
}

// Mails gives the newest mails first, at most limit of them, and only those with a Seq below before; 0 begins with the newest
// one. Those that aren't kept any more are left out.
func (b *box) Mails(limit int, before uint64) []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[b.first:]
	if before > 0 {
		newer := b.last + 1 - min(before, b.last+1) // how many are at or after before
		kept = kept[:len(kept)-int(min(newer, uint64(len(kept))))]
	}
	var mails []Mail
	for i := len(kept) - 1; i >= 0 && len(mails) < limit; i-- {
		mails = append(mails, kept[i])
	}
	return mails
}

// Count is how many different mails have arrived since the start or the last Clear, those included that aren't kept any more.
func (b *box) Count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// Repeats is how many mails have been dropped since the start because their Message-ID had arrived before. At least the last half
// million Message-IDs are remembered.
func (b *box) Repeats() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.repeats
}

// Clear drops all mails. Their Message-IDs stay remembered: a repeat of a mail that was cleared away isn't new.
func (b *box) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept, b.first, b.bytes, b.count = nil, 0, 0, 0
	b.tell()
}

// Changed gives a channel that is closed at the next change: a mail, a repeat or a Clear. Ask for it before looking, so
// that nothing is missed in between:
//
//	for {
//		changed := m.Changed()
//		show(m.Mails(20, 0))
//		<-changed
//	}
func (b *box) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

func (b *box) tell() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}
