package failures

import (
	"context"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

const (
	asksRead  = 1000 // requests to consoles that are looked through for those about a cause
	asksShown = 100
)

// asked finds who asked what of the cause as a whole, the newest first.
func (h *handler) asked(ctx context.Context, d *detail) error {
	newest, err := h.b.Tracker.Audit(ctx, "", asksRead)
	if err != nil {
		return err
	}
	d.Asked = slices.DeleteFunc(newest.Entries, func(e tracker.AuditEntry) bool { return e.About != d.Key })
	d.Asked = d.Asked[:min(len(d.Asked), asksShown)]
	return nil
}

// When is the time of a request.
func (d *detail) When(t time.Time) string { return moment(t) }
