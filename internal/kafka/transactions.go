package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	transactionFeature = "transaction.version"

	// neededLevel is the first with which a producer that was cut off can't add to the next transaction (KIP-890).
	neededLevel = 2
)

// OldTransactionsError is that a cluster doesn't keep transactions apart as Skald needs it.
type OldTransactionsError struct{ Finalized, Supported int16 }

func (e *OldTransactionsError) Error() string {
	return fmt.Sprintf("%s is %d, and has to be %d: else what is left of an aborted transaction can end up in the next one, or block readers for ever",
		transactionFeature, e.Finalized, neededLevel)
}

// fix is for whoever runs the cluster.
func (e *OldTransactionsError) fix(c Connection) string {
	if e.Supported < neededLevel {
		return "upgrade the brokers to Kafka 4.0 or later"
	}
	return c.Command("kafka-features.sh", "upgrade", "--feature", fmt.Sprintf("%s=%d", transactionFeature, neededLevel))
}

// TransactionVersion gives the cluster's level of the feature transaction.version. If it is too low it comes with an
// OldTransactionsError. Any one broker is asked, as the level holds for all.
func TransactionVersion(ctx context.Context, cl *kgo.Client) (int16, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "skald", "1" // brokers refuse a request without
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the cluster's features: %w", err)
	}
	var finalized, supported int16
	for _, f := range resp.FinalizedFeatures {
		if f.Name == transactionFeature {
			finalized = f.MaxVersionLevel
		}
	}
	for _, f := range resp.SupportedFeatures {
		if f.Name == transactionFeature {
			supported = f.MaxVersion
		}
	}
	if finalized < neededLevel {
		return finalized, &OldTransactionsError{finalized, supported}
	}
	return finalized, nil
}
