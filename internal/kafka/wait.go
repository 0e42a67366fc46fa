package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
)

const (
	// leastBackoff and mostBackoff bound the wait between two tries.
	leastBackoff = 50 * time.Millisecond
	mostBackoff  = 5 * time.Second

	// pingTimeout bounds one try: a broker that hangs would otherwise hold it
	// for as long as the caller waits. One that drops packets is noticed before.
	pingTimeout = dialTimeout + time.Second
)

// WaitForBroker returns once a broker answers a metadata request, which it tries
// again for as long as ctx allows. It logs what it is waiting for and why, again
// for each new reason, and once that the wait is over; a broker that is there
// at once isn't worth a line.
//
// It gives up early, with an ExplainedError, only where waiting can't help: a
// login that is refused, TLS on one side alone, something that is no Kafka.
func WaitForBroker(ctx context.Context, cl *kgo.Client, logger *slog.Logger) error {
	c := connectionOf(cl)
	start := time.Now()
	var reason, e Explanation // as Explain has it, which the error alone decides; as Diagnose has it
	said := map[string]bool{}
	for try := 0; ; try++ {
		err := ping(ctx, cl)
		if err == nil {
			if try > 0 {
				logger.Info("Kafka is there", "brokers", c.where(), "after", time.Since(start).Round(time.Millisecond))
			}
			return nil
		}
		if errors.Is(err, kgo.ErrClientClosed) {
			return err
		}
		if now := c.Explain(err); now != reason && ctx.Err() == nil {
			reason = now
			looked := c.Diagnose(ctx, err)
			if !looked.Retry {
				return &ExplainedError{looked, err}
			}
			if ctx.Err() == nil || e == (Explanation{}) { // else the look was cut short
				e = looked
			}
			if ctx.Err() == nil && !said[e.Text] {
				said[e.Text] = true
				logger.Warn("waiting for Kafka", "brokers", c.where(), "error", e.String())
			}
		}
		if e == (Explanation{}) { // ctx ended before anybody could look
			e = c.Explain(err)
		}
		if ctxErr := sleep(ctx, backoff(try)); ctxErr != nil {
			return fmt.Errorf("waiting for Kafka at %s: %w (last try: %w)", c.where(), ctxErr, &ExplainedError{e, err})
		}
	}
}

// connectionOf is what Explain needs to know of a client's connection.
func connectionOf(cl *kgo.Client) Connection {
	var c Connection
	c.Brokers, _ = cl.OptValue(kgo.SeedBrokers).([]string)
	if config, _ := cl.OptValue(kgo.DialTLSConfig).(*tls.Config); config != nil {
		c.TLS = &TLS{ServerName: config.ServerName}
		if config.GetClientCertificate != nil {
			c.TLS.CertFile = "set"
		}
	}
	if mechanisms, _ := cl.OptValue(kgo.SASL).([]sasl.Mechanism); len(mechanisms) > 0 {
		c.SASL = &SASL{Mechanism: mechanisms[0].Name()}
		if m, ok := mechanisms[0].(login); ok {
			c.SASL.User = m.user
		}
	}
	return c
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
