package backend

import (
	"context"

	"github.com/skald-saga/skald/internal/tracker"
)

// Audit keeps what people and programs asked the console to do.
type Audit interface {
	AddAudit(ctx context.Context, e tracker.AuditEntry) error
	Audit(ctx context.Context, cursor string, limit int) (tracker.AuditPage, error)
}
