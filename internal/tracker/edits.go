package tracker

import (
	"cmp"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// edit is the payload that a person gave an event when it was redriven.
type edit struct {
	payload []byte
	by      string
	offset  int64
}

// editsOf finds, by event, the last redrive with another payload that its service has accepted. All of one event are in one partition of
// one inbox, so their offsets order them.
func editsOf(records []store.Record) map[string]edit {
	var asked []asking
	accepted := map[string]bool{}
	for i := range records {
		r := &records[i]
		switch sourceOf("", r.Topic.Name).kind {
		case sourceInbox:
			if c, ok := commandIn(r); ok && c.Edited {
				asked = append(asked, asking{c, r})
			}
		case sourceLedger:
			if note, err := wire.DecodeLedgerRecord(r.Value); err == nil && note.Op == wire.OpNote && note.Answer == wire.AnswerAccepted {
				accepted[note.ID] = true
			}
		}
	}
	edits := map[string]edit{}
	for _, a := range asked {
		if known, ok := edits[a.Letter.Event]; accepted[a.ID] && (!ok || a.in.Offset > known.offset) {
			edits[a.Letter.Event] = edit{a.in.Value, text(cmp.Or(a.By, "somebody"), maxName), a.in.Offset}
		}
	}
	return edits
}

// asking is a command and the record that it is in.
type asking struct {
	wire.Command

	in *store.Record
}

func commandIn(r *store.Record) (c wire.Command, ok bool) {
	for _, h := range decodeHeaders(r.Headers) {
		if h.Key == wire.HeaderCommand {
			c, err := wire.DecodeCommand(h.Value)
			return c, err == nil
		}
	}
	return c, false
}
