package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// leastBackoff and mostBackoff bound the wait between two tries.
	leastBackoff = 50 * time.Millisecond
	mostBackoff  = 5 * time.Second

	// pingTimeout bounds one try: a host that drops packets would otherwise
	// hold it for as long as the caller waits.
	pingTimeout = 5 * time.Second
)

// WaitForBroker returns once a broker answers a metadata request, which it tries
// again for as long as ctx allows. It logs once what it is waiting for and why,
// and once that the wait is over; a broker that is there at once isn't worth a
// line. It gives up early only where waiting can't help: wrong credentials.
func WaitForBroker(ctx context.Context, cl *kgo.Client, logger *slog.Logger) error {
	brokers, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	where := strings.Join(brokers, ",")
	start := time.Now()
	for try := 0; ; try++ {
		err := ping(ctx, cl)
		switch {
		case err == nil && try == 0:
			return nil
		case err == nil:
			logger.Info("Kafka is there", "brokers", where, "after", time.Since(start).Round(time.Millisecond))
			return nil
		case errors.Is(err, kerr.SaslAuthenticationFailed):
			return fmt.Errorf("kafka at %s: %w", where, err)
		case try == 0 && ctx.Err() == nil:
			logger.Warn("waiting for Kafka", "brokers", where, "error", err)
		}
		if ctxErr := sleep(ctx, backoff(try)); ctxErr != nil {
			return fmt.Errorf("waiting for Kafka at %s: %w (last try: %w)", where, ctxErr, err)
		}
	}
}

func ping(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return cl.Ping(ctx)
}

// backoff doubles from leastBackoff to mostBackoff, less up to half of it at random
// so that what starts together doesn't knock together.
func backoff(try int) time.Duration {
	d := min(leastBackoff<<min(try, 10), mostBackoff)
	return d - rand.N(d/2) //nolint:gosec // Nobody gains by guessing when we knock.
}

// sleep returns early, with its cause, when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
