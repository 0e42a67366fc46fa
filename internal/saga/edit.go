package saga

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skald-saga/skald/internal/wire"
)

// edit gives a halted event the payload that a command's record carries. All else stays as the ledger has it: the ID, so that what follows
// has the ID that it would have had, and the effect its idempotency key; the slip, the hop. The item of the halted entry isn't
// touched: it is what is there again if the transaction doesn't commit.
func (m *Machine) edit(it *Item, o *ordered) (edited *Item, refusal string) {
	if it.Undo != nil {
		return nil, "an undo has no payload to edit: redrive it as it is"
	}
	record := *m.Whole(it)
	record.Value = o.in.Event.Payload
	record.Headers = append(slices.DeleteFunc(slices.Clone(record.Headers), func(h wire.Header) bool { return h.Key == wire.HeaderEditedBy }),
		wire.Header{Key: wire.HeaderEditedBy, Value: []byte(cmp.Or(o.command.By, "somebody"))})
	if size := record.Size(); size > m.MaxEvent {
		return nil, fmt.Sprintf("the event would have %d bytes with that payload, an event may have %d", size, m.MaxEvent)
	}
	event, err := wire.Parse(record.Headers, record.Value)
	if err != nil {
		return nil, "the event's headers can't be read, and only its payload can be edited: discard it: " + err.Error()
	}
	if err := it.Step.Readable(event); err != nil {
		return nil, "that payload isn't what the step takes: " + err.Error()
	}
	if it.Step.Role == wire.RoleBegin {
		it.Step.asStart(event)
	}
	again := *it
	again.Source, again.Event = &record, event
	return &again, ""
}
