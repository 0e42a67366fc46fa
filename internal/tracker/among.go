package tracker

import (
	"context"
	"fmt"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// Among gives those of the named sagas that there are, in no order, with their steps but without payloads: what a list that is looked at
// shows anew, at most 1,000. An ID that can't be is a *[QueryError].
func (t *Tracker) Among(ctx context.Context, ids []string) ([]Saga, error) {
	if len(ids) > maxLimit {
		return nil, &QueryError{"ids", fmt.Sprintf("must be at most %d", maxLimit)}
	}
	wanted := make([]store.SagaID, 0, len(ids))
	for _, id := range ids {
		parsed, ok := parseSagaID(id)
		if !ok {
			return nil, &QueryError{"ids", "must be IDs of sagas"}
		}
		wanted = append(wanted, parsed)
	}
	rows, err := t.cfg.Store.Among(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return t.tell(ctx, rows, noPayloads)
}
