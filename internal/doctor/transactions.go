package doctor

import (
	"context"
	"errors"
	"fmt"
)

const (
	transactionFeature = "transaction.version"

	// neededLevel is the first with which a producer that was cut off can't add to the next transaction (KIP-890).
	neededLevel = 2
)

// examineTransactions looks whether the cluster keeps transactions apart.
func (p *patient) examineTransactions(ctx context.Context) ([]Finding, error) {
	versions, err := p.admin.ApiVersions(ctx)
	if len(versions) == 0 {
		return nil, errors.Join(err, errors.New("no broker told its versions"))
	}
	var finalized, supported int16
	for _, answer := range versions {
		if answer.Err != nil {
			continue
		}
		for _, f := range answer.Raw().FinalizedFeatures {
			if f.Name == transactionFeature {
				finalized = max(finalized, f.MaxVersionLevel)
			}
		}
		for _, f := range answer.Raw().SupportedFeatures {
			if f.Name == transactionFeature {
				supported = max(supported, f.MaxVersion)
			}
		}
	}
	if finalized >= neededLevel {
		return []Finding{{Severity: OK, Text: fmt.Sprintf("%s is %d", transactionFeature, finalized)}}, nil
	}
	found := Finding{
		Severity: Problem,
		Text: fmt.Sprintf("%s is %d, and has to be %d: else what is left of an aborted transaction can end up in the next one, or block readers for ever",
			transactionFeature, finalized, neededLevel),
		Fix: p.Connection.Command("kafka-features.sh", "upgrade", "--feature", fmt.Sprintf("%s=%d", transactionFeature, neededLevel)),
	}
	if supported < neededLevel {
		found.Fix = "upgrade the brokers to Kafka 4.0 or later"
	}
	return []Finding{found}, nil
}
