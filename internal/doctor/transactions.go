package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/skald-saga/skald/internal/kafka"
)

// examineTransactions looks whether the cluster keeps transactions apart.
func (p *patient) examineTransactions(ctx context.Context) ([]Finding, error) {
	version, err := kafka.TransactionVersion(ctx, p.client)
	if old, ok := errors.AsType[*kafka.OldTransactionsError](err); ok {
		return []Finding{{Severity: Problem, Text: old.Error(), Fix: p.Connection.Explain(old).Fix}}, nil
	}
	if err != nil {
		return nil, err
	}
	return []Finding{{Severity: OK, Text: fmt.Sprintf("transaction.version is %d", version)}}, nil
}
