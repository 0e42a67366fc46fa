package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tunedBatch is how many records one transaction takes.
const tunedBatch = 2000

// tunedTurn differs from documentedTurn in when it polls and how it produces: it goes on collecting until the broker has had the
// time to write the last transaction's markers, and sends all records in one request per broker.
func (b *bare) tunedTurn(ctx context.Context) error {
	fetches := b.collect(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	b.note(fetches)
	outputs, err := b.handle(fetches)
	if err != nil || len(outputs) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what was polled is finished
	if err := b.session.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	var promise kgo.FirstErrPromise
	for _, r := range outputs {
		b.session.Produce(ctx, r, promise.Promise())
	}
	// With manual flushing nothing is sent before, so the promises can't be waited for first.
	flushed := b.session.Client().Flush(ctx)
	commit := promise.Err() == nil && flushed == nil
	if _, err := b.session.End(ctx, kgo.TransactionEndTry(commit)); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	b.lastCommit = time.Now()
	return nil
}

func (b *bare) collect(ctx context.Context) kgo.Fetches {
	fetches := b.session.PollRecords(ctx, tunedBatch)
	if rest := b.spec.Settle - time.Since(b.lastCommit); rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	for n := fetches.NumRecords(); n < tunedBatch; {
		more := b.session.PollRecords(nil, tunedBatch-n) //nolint:staticcheck // a nil context is how kgo says "what is there"
		if more.NumRecords() == 0 {
			break
		}
		n += more.NumRecords()
		fetches = append(fetches, more...)
	}
	return fetches
}
