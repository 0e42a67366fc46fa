package store

import (
	"context"
	"strings"
)

// Among gives those of the named sagas that there are, in no order.
func (s *Store) Among(ctx context.Context, ids []SagaID) ([]*Saga, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	return query(ctx, s, scanSaga, selectSagas("")+`s.id IN (`+strings.Repeat("?, ", len(ids)-1)+`?) AND g.status <> ''`, args...)
}
